// LZ4 as Debian ships it; where its header lies is found by pkg-config ("liblz4").
#pragma once
#include <lz4.h>
