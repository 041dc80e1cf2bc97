// What the command line sees of this room: plain values, so that a client needs to know nothing of files and formats.

import NeedleCore
import NeedleEngine
import NeedleStorage

/// The offline tools on this machine's files.
package enum OfflineTools {
    /// Why a tool did nothing.
    package struct Failure: Error, Sendable {
        package var message: String
        /// A server has the directory, or the path is nothing of ours: another command line helps. Otherwise the
        /// files could not be read or written.
        package var isUsage: Bool

        init(_ error: DatabaseError) {
            message = error.message
            isUsage = [.conflict, .invalidParams, .notFound].contains(error.kind)
        }
    }

    /// One thing that was found.
    package struct Line: Sendable {
        package var file: String
        package var offset: Int?
        package var what: String
        /// Not damage: the next start removes or mends it.
        package var isNote: Bool

        init(file: String, what: String) {
            self.file = file
            self.what = what
            isNote = false
        }

        init(_ finding: Finding) {
            file = finding.file
            offset = finding.offset
            what = finding.what
            isNote = !finding.isDamage
        }

        package var text: String { "\(file):\(offset.map { "\($0):" } ?? "") \(what)" }
    }

    /// What a check found.
    package struct Report: Sendable {
        /// What the path is: "data directory", "snapshot", "archive", "segment", …
        package var kind: String
        /// What was read, a line each.
        package var contents: [String]
        package var findings: [Line]

        package var isClean: Bool { findings.allSatisfy(\.isNote) }

        /// An empty one, for who checks something that consists of several.
        package init(kind: String) {
            self.kind = kind
            contents = []
            findings = []
        }

        package mutating func add(file: String, _ what: String) {
            findings.append(Line(file: file, what: what))
        }

        init(_ report: CheckReport) {
            kind = report.kind
            contents = report.contents
            findings = report.findings.map { Line($0) }
        }
    }

    /// Reads all of a data directory, a snapshot's directory or a file, and compares it with everything it should be.
    package static func check(_ path: String) throws(Failure) -> Report {
        do throws(DatabaseError) {
            return Report(try OfflineCheck(PosixFileSystem()).run(path))
        } catch {
            throw Failure(error)
        }
    }

    /// A file as text.
    package static func dump(_ path: String, rowLimit: Int) throws(Failure) -> String {
        do throws(DatabaseError) {
            return try OfflineDump(PosixFileSystem()).text(of: path, rowLimit: rowLimit)
        } catch {
            throw Failure(error)
        }
    }

    /// A repair that was planned. Servers are kept out of the directory until it is let go.
    package struct Repair {
        package let report: Report
        /// What would be done, a line each; empty when there is nothing to do.
        package let steps: [String]
        package let advice: [String]
        private let repair: OfflineRepair

        package init(_ path: String) throws(Failure) {
            do throws(DatabaseError) {
                repair = try OfflineRepair(PosixFileSystem(), path: path)
            } catch {
                throw Failure(error)
            }
            report = Report(repair.report)
            steps = repair.plan.lines
            advice = repair.plan.advice
        }

        /// - Parameter salt: any number that differs from run to run.
        /// - Returns: where everything lies that was taken out of use, and what a check finds now.
        package func carryOut(salt: UInt64) throws(Failure) -> (quarantine: String, after: Report) {
            do throws(DatabaseError) {
                let (quarantine, after) = try repair.carryOut(salt: salt)
                return (quarantine, Report(after))
            } catch {
                throw Failure(error)
            }
        }
    }
}
