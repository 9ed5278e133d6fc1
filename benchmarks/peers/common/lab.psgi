# The lab's endpoints as a PSGI application, for every server that speaks PSGI.
use strict;
use warnings;
use Time::HiRes qw(sleep clock_gettime CLOCK_PROCESS_CPUTIME_ID);

sub burn {
    my ($microseconds) = @_;
    my $end = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) + $microseconds / 1e6;
    1 while clock_gettime(CLOCK_PROCESS_CPUTIME_ID) < $end;
}

sub text {
    my ($status, $body) = @_;
    return [$status, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]];
}

sub {
    my ($env) = @_;
    my ($number) = $env->{QUERY_STRING} =~ /(?:^|&)(?:ms|us)=(\d+)/;
    my $path = $env->{PATH_INFO};
    return text(200, 'Hello, World!') if $path eq '/plaintext';
    if ($path eq '/sleep') { sleep($number / 1000); return text(200, "slept $number ms\n") }
    if ($path eq '/cpu') { burn($number); return text(200, "burned $number us\n") }
    return text(404, "not found\n");
};
