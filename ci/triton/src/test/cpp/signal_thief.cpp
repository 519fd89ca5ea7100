// Preloaded into a host: takes SIGSEGV away from the JVM when SIGUSR1 comes, as tritonserver does when
// it has loaded its models; says with the next SIGUSR1 who has it now.

#include <signal.h>
#include <unistd.h>

namespace {

volatile sig_atomic_t stolen = 0;

void on_segv(int) { _exit(99); }

void on_usr1(int) {
  if (!stolen) {
    struct sigaction action = {};
    action.sa_handler = on_segv;
    sigaction(SIGSEGV, &action, nullptr);
    stolen = 1;
    return;
  }
  struct sigaction now = {};
  sigaction(SIGSEGV, nullptr, &now);
  bool kept = now.sa_handler != on_segv;
  if (write(STDOUT_FILENO, kept ? "jvm's\n" : "taken\n", 6) != 6) {
    _exit(98);
  }
}

__attribute__((constructor)) void install() {
  struct sigaction action = {};
  action.sa_handler = on_usr1;
  action.sa_flags = SA_RESTART;
  sigaction(SIGUSR1, &action, nullptr);
}

}  // namespace
