# The lab's endpoints on Mojolicious, which speaks HTTP itself: perl lab.pl prefork ...
use Mojolicious::Lite -signatures;
use Time::HiRes qw(clock_gettime CLOCK_PROCESS_CPUTIME_ID);

get '/plaintext' => sub ($c) { $c->render(data => 'Hello, World!', format => 'txt') };

get '/sleep' => sub ($c) {
    my $ms = $c->param('ms');
    $c->render_later;
    Mojo::IOLoop->timer($ms / 1000 => sub { $c->render(data => "slept $ms ms\n", format => 'txt') });
};

get '/cpu' => sub ($c) {
    my $us  = $c->param('us');
    my $end = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) + $us / 1e6;
    1 while clock_gettime(CLOCK_PROCESS_CPUTIME_ID) < $end;
    $c->render(data => "burned $us us\n", format => 'txt');
};

app->log->level('fatal');
app->start;
