// The way from a native host into a JVM: find the one of the process, or create it, and let a Java
// class bind our entry points.

#pragma once

#include <jni.h>

#include <string>
#include <vector>

namespace warmgate {

// What a JVM is made of, if there is none yet.
struct JvmSource {
  // Homes of Java, the best first; empty ones are passed over.
  std::vector<std::string> homes;
  // What a user sets to name a home, for the message.
  std::string advice;
  // Options beside those that every host needs.
  std::vector<std::string> options;
};

// An environment variable; empty if it isn't set.
std::string environment(const char* name);

// The folder that this library is in.
std::string library_folder();

// All jars in a folder, as a class path.
std::string jars_in(const std::string& folder);

// Finds or creates the JVM, loads `entry_points` (a binary name, with dots) from the class path and
// calls its static bind(long) with an address. The classes get a loader of their own, whose parent
// knows nothing but the JDK: neither the system's loader, which a thread of C++ sees, nor libraries
// of a Java host come between. Empty if all went well, else what is wrong, in one line.
std::string bind_java(const JvmSource& source, const std::string& class_path,
                      const char* entry_points, void* address);

}  // namespace warmgate
