#include "../warmgate_kernels.h"

#include <type_traits>

#include "vector.h"

#include "../common/digits.h"

#include "words.h"

#include "../common/x86_bytes.h"

#define WG_TIER avx512
#include "../common/tier.h"
