# The lab's endpoints as a Sinatra application, for every server that speaks Rack.
require "sinatra/base"

class Lab < Sinatra::Base
  set :environment, :production
  disable :logging, :sessions, :protection, :static
  before { content_type "text/plain" }

  def burn(microseconds)
    clock = Process::CLOCK_THREAD_CPUTIME_ID
    stop = Process.clock_gettime(clock, :nanosecond) + microseconds * 1000
    nil while Process.clock_gettime(clock, :nanosecond) < stop
  end

  get("/plaintext") { "Hello, World!" }

  get("/sleep") do
    milliseconds = params["ms"].to_i
    sleep(milliseconds / 1000.0)
    "slept #{milliseconds} ms\n"
  end

  get("/cpu") do
    microseconds = params["us"].to_i
    burn(microseconds)
    "burned #{microseconds} us\n"
  end
end
