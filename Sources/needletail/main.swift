// The admin command line; everything is in NeedletailCommand, where tests reach it.

import Glibc
import NeedletailCommand

exit(await Needletail.run(Array(CommandLine.arguments.dropFirst())).rawValue)
