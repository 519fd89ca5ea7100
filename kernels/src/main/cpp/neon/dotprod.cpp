#include "../warmgate_kernels.h"

#include <type_traits>

#include "vector.h"

#include "../common/digits.h"

#include "words.h"

#include "../common/unaligned.h"

#include "../common/math.h"

#include "../common/dense.h"

#include "../common/prepare.h"

#include "../common/packed.h"

#include "../common/packed_dot.h"

#include "../common/packed_rows.h"

#include "../common/ffn.h"

#define WG_TIER neon
#define WG_VARIANT neon_dotprod
#include "../common/variant.h"
