'use strict';

// Busy for some of the process's CPU time, on the loop: everybody waits for it.
module.exports = function burn(microseconds) {
  const begun = process.cpuUsage();
  for (;;) {
    const used = process.cpuUsage(begun);
    if (used.user + used.system >= microseconds) return;
  }
};
