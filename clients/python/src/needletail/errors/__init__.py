"""Everything that this package raises. ``NeedletailError`` is the root; below it are the client's own errors and
``ServerError`` with one class per error kind of the protocol."""

from .local import ClientClosed as ClientClosed
from .local import ConnectionFailed as ConnectionFailed
from .local import ConnectionLost as ConnectionLost
from .local import InvalidArgument as InvalidArgument
from .local import InvalidReply as InvalidReply
from .local import NeedletailError as NeedletailError
from .local import TimedOut as TimedOut
from .server import AlreadyExists as AlreadyExists
from .server import Cancelled as Cancelled
from .server import Conflict as Conflict
from .server import Corruption as Corruption
from .server import DeadlineExceeded as DeadlineExceeded
from .server import DimensionMismatch as DimensionMismatch
from .server import DiskFull as DiskFull
from .server import Draining as Draining
from .server import Forbidden as Forbidden
from .server import InternalError as InternalError
from .server import InvalidParams as InvalidParams
from .server import InvalidRequest as InvalidRequest
from .server import InvalidVector as InvalidVector
from .server import KINDS as KINDS
from .server import LimitExceeded as LimitExceeded
from .server import LineTooLong as LineTooLong
from .server import Loading as Loading
from .server import MemoryBudget as MemoryBudget
from .server import ModelMismatch as ModelMismatch
from .server import NotFound as NotFound
from .server import Overloaded as Overloaded
from .server import ParseError as ParseError
from .server import PointConflict as PointConflict
from .server import ReadOnly as ReadOnly
from .server import ServerError as ServerError
from .server import StorageFailed as StorageFailed
from .server import Unauthenticated as Unauthenticated
from .server import UnknownMethod as UnknownMethod
from .server import server_error as server_error

# Tracebacks name the place from which they are imported.
for _class in [each for each in globals().values() if isinstance(each, type) and issubclass(each, NeedletailError)]:
    _class.__module__ = __name__
