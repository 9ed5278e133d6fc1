# The lab's endpoints on Amon2, which speaks PSGI and no HTTP.
use strict;
use warnings;

package Lab;
use parent 'Amon2';

package Lab::Web;
use parent -norequire, 'Lab';
use parent 'Amon2::Web';
use Router::Simple;
use Time::HiRes qw(clock_gettime CLOCK_PROCESS_CPUTIME_ID);

my $router = Router::Simple->new;
$router->connect("/$_" => { action => "answer_$_" }) for qw(plaintext sleep cpu);

sub text {
    my ($c, $body) = @_;
    return $c->create_response(200, ['Content-Type' => 'text/plain', 'Content-Length' => length $body], [$body]);
}

sub answer_plaintext { my ($c) = @_; return $c->text('Hello, World!') }

sub answer_sleep {
    my ($c) = @_;
    my $ms = $c->req->param('ms');
    Time::HiRes::sleep($ms / 1000);
    return $c->text("slept $ms ms\n");
}

sub answer_cpu {
    my ($c) = @_;
    my $us  = $c->req->param('us');
    my $end = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) + $us / 1e6;
    1 while clock_gettime(CLOCK_PROCESS_CPUTIME_ID) < $end;
    return $c->text("burned $us us\n");
}

sub dispatch {
    my ($c) = @_;
    my $match = $router->match($c->req->env) or return $c->create_response(404, [], ["not found\n"]);
    my $action = $match->{action};
    return $c->$action;
}

package main;
Lab::Web->to_app;
