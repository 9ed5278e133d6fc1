'use strict';
// The lab's endpoints on Express: `node lab.js PORT PROCESSES`.
const cluster = require('cluster');
const express = require('express');
const burn = require('../common/burn');

const port = Number(process.argv[2]);
const processes = Number(process.argv[3]);

function lab() {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.get('/plaintext', (request, response) => response.type('text/plain').send('Hello, World!'));
  app.get('/sleep', (request, response) => {
    const ms = Number(request.query.ms);
    setTimeout(() => response.type('text/plain').send(`slept ${ms} ms\n`), ms);
  });
  app.get('/cpu', (request, response) => {
    const us = Number(request.query.us);
    burn(us);
    response.type('text/plain').send(`burned ${us} us\n`);
  });
  return app;
}

if (processes > 1 && cluster.isPrimary) {
  for (let i = 0; i < processes; i++) cluster.fork();
} else {
  lab().listen(port, '127.0.0.1').keepAliveTimeout = 300000;
}
