// Who may ask: no page of another site, and where there are keys nobody without one.

import HTTPTypes
import HummingbirdCore
import NeedleCore
import NeedleWire

extension HTTPDoor {
    /// What becomes of a request before anything is read of its body.
    enum Admission {
        /// By whom; `nil` where nobody is asked who they are.
        case allowed(Principal?)
        case refused(HTTPReply)
    }

    func admit(_ request: HummingbirdCore.Request, to route: Route) -> Admission {
        guard route.isGuarded else { return .allowed(nil) }
        let origin = request.headers[.origin]
        if let reason = browsers.refusal(host: request.head.authority, origin: origin) {
            return .refused(refuse(.forbidden, DatabaseError(.forbidden, reason)))
        }
        do throws(DatabaseError) {
            let principal = try principal(Credentials(authorization: request.headers[.authorization]))
            // What comes over `/rpc` its session counts.
            if route == .metrics { try principal?.seat.take(requests: 1, bytes: 0) }
            if route == .metrics, let principal, principal.grant.collections != nil {
                throw DatabaseError(
                    .forbidden,
                    "the API key \"\(principal.name)\" is for some collections only, metrics tell of all")
            }
            return .allowed(principal)
        } catch {
            return .refused(refuse(error))
        }
    }

    private func principal(_ credentials: Credentials) throws(DatabaseError) -> Principal? {
        guard let access = environment.access else {
            guard credentials == .none else {
                // As `auth.login` says it: a key that nobody checks must not look as if it had been accepted.
                throw DatabaseError(
                    .invalidParams, "this server asks for no API key; leave the Authorization header out",
                    at: "api_key")
            }
            return nil
        }
        switch credentials {
        case .bearer(let key): return try access.login(key)
        case .none:
            throw DatabaseError(.unauthenticated, "this server asks for an API key", at: "api_key")
        case .unusable:
            throw DatabaseError(
                .unauthenticated, "the Authorization header has no key", at: "api_key", expected: "Bearer KEY"
            )
        }
    }

    private func refuse(_ error: DatabaseError) -> HTTPReply {
        switch error.kind {
        case .unauthenticated:
            var reply = refuse(.unauthorized, error)
            reply.headers[.wwwAuthenticate] = "Bearer"
            return reply
        case .forbidden: return refuse(.forbidden, error)
        case .overloaded: return refuse(.serviceUnavailable, error)
        default: return refuse(.badRequest, error)
        }
    }

    func refuse(_ status: HTTPResponse.Status, _ error: DatabaseError) -> HTTPReply {
        environment.metrics.failed(nil, error.kind)
        return .refusal(status, error, environment.limits)
    }

    /// A browser asks on behalf of another site's page whether it may send a request.
    func preflight(_ request: HummingbirdCore.Request) -> HTTPReply {
        guard let origin = request.headers[.origin], browsers.allows(origin: origin),
            browsers.refusal(host: request.head.authority, origin: origin) == nil
        else {
            return refuse(.forbidden, DatabaseError(.forbidden, "http.origins does not allow this origin"))
        }
        var reply = allowing(HTTPReply(status: .noContent), request)
        reply.headers[.accessControlAllowMethods] = "POST"
        reply.headers[.accessControlAllowHeaders] = "Authorization, Content-Type"
        reply.headers[.accessControlMaxAge] = "600"
        return reply
    }

    /// The answer, which pages of sites that are allowed may read.
    func allowing(_ reply: HTTPReply, _ request: HummingbirdCore.Request) -> HTTPReply {
        guard let origin = request.headers[.origin], browsers.allows(origin: origin) else { return reply }
        var reply = reply
        reply.headers[.accessControlAllowOrigin] = origin
        reply.headers[.vary] = "Origin"
        return reply
    }
}
