#include "../warmgate_kernels.h"

#include <type_traits>

#include "vector.h"

#include "../common/digits.h"

#include "words.h"

#define WG_TIER neon
#include "../common/tier.h"
