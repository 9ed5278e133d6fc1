require_relative "lab"
run Lab
