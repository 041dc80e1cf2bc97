// OpenBLAS as Debian ships it; where its header lies is found by pkg-config ("openblas").
#pragma once
#include <cblas.h>
