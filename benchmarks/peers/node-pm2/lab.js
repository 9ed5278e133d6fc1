'use strict';
// node-http's lab, its arguments by the environment: pm2's cluster mode hands none on.
process.argv.splice(2, Infinity, process.env.LAB_PORT, '1');
require('../node-http/lab.js');
