#include "../warmgate_kernels.h"

#include <type_traits>

#include "vector.h"

#include "../common/digits.h"

#include "words.h"

#include "../common/x86_bytes.h"

#include "../common/unaligned.h"

#include "../common/math.h"

#include "../common/routing.h"

#include "../common/select.h"

#include "../common/finish.h"

#include "../common/range.h"

#include "../common/route.h"

#include "../common/dense.h"

#include "../common/halves.h"

#include "../common/prepare.h"

#include "../common/packed.h"

#include "../common/packed_dot.h"

#include "../common/packed_rows.h"

#include "../common/ffn.h"

#include "../common/steps.h"

#define WG_TIER avx512
#include "../common/exports.h"
