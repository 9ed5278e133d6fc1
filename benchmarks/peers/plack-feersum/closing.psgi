# This Feersum closes every connection and does not say so, which clients take for an error: the header says it.
use strict;
use warnings;
use Plack::Util;

my $lab = do './lab_async.psgi' or die $@ || $!;

sub {
    my ($env) = @_;
    return Plack::Util::response_cb($lab->($env), sub {
        my ($response) = @_;
        push @{ $response->[1] }, Connection => 'close';
        return;
    });
};
