'use strict';
// The lab's endpoints on Node's own http module: `node lab.js PORT PROCESSES`.
const cluster = require('cluster');
const http = require('http');
const burn = require('../common/burn');

const port = Number(process.argv[2]);
const processes = Number(process.argv[3]);

function answer(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': body.length });
  response.end(body);
}

function handle(request, response) {
  const url = new URL(request.url, 'http://lab');
  if (url.pathname === '/plaintext') return answer(response, 200, 'Hello, World!');
  if (url.pathname === '/pid') return answer(response, 200, String(process.pid));
  if (url.pathname === '/sleep') {
    const ms = Number(url.searchParams.get('ms'));
    setTimeout(() => answer(response, 200, `slept ${ms} ms\n`), ms);
    return;
  }
  if (url.pathname === '/cpu') {
    const us = Number(url.searchParams.get('us'));
    burn(us);
    return answer(response, 200, `burned ${us} us\n`);
  }
  answer(response, 404, 'not found\n');
}

if (processes > 1 && cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork();
} else {
  const server = http.createServer(handle);
  server.keepAliveTimeout = 300000;
  server.listen(port, '127.0.0.1');
}
