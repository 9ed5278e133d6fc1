// The front door for programs that serve an app of their own:
//
//   #include <corelab.hpp>
//   int main(int argc, char** argv) {
//     corelab::App app;
//     app.get("/hello", [](const corelab::Request&) { return corelab::text("Hello\n"); });
//     return corelab::run(argc, argv, std::move(app));
//   }
#pragma once

#include "common/app/app.hpp"
#include "servers/program/program.hpp"
