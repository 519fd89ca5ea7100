// All kernels of a tier, or those of one of its variants: what common/ has, in the order in which one needs
// the other. Include after the tier's vector.h and words.h, with WG_TIER (and WG_VARIANT) defined.
#include "unaligned.h"

#include "math.h"

#ifndef WG_VARIANT
#include "routing.h"

#include "select.h"

#include "finish.h"

#include "range.h"

#include "route.h"
#endif

#include "dense.h"

#ifndef WG_VARIANT
#include "halves.h"
#endif

#include "prepare.h"

#include "packed.h"

#include "packed_dot.h"

#include "packed_rows.h"

#include "ffn.h"

#ifdef WG_VARIANT
#include "variant.h"
#else
#include "steps.h"

#include "exports.h"
#endif
