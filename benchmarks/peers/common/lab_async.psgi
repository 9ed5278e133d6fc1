# The PSGI lab for servers on an AnyEvent loop: it waits by a timer and a streamed answer, all else is as in lab.psgi.
use strict;
use warnings;
use AnyEvent;

my $lab = do './lab.psgi' or die $@ || $!;

sub {
    my ($env) = @_;
    return $lab->($env) unless $env->{PATH_INFO} eq '/sleep';
    my ($number) = $env->{QUERY_STRING} =~ /(?:^|&)ms=(\d+)/;
    return sub {
        my ($respond) = @_;
        my $timer;
        $timer = AE::timer $number / 1000, 0, sub {
            undef $timer;
            my $body = "slept $number ms\n";
            $respond->([200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]]);
        };
    };
};
