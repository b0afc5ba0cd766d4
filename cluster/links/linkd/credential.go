package linkd

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// errNoCredential is why a linkd does not start. Without one it would have to
// answer either nobody or every user of the machine.
var errNoCredential = errors.New("there is no credential for requests: it is expected in the environment variable " + wire.CredentialEnv)

// RequireCredential answers 401 to requests whose Authorization header does not
// carry the credential, and hands all others to the API. With an empty
// credential every request is refused.
func RequireCredential(credential string, api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !carries(r.Header.Get("Authorization"), credential) {
			w.Header().Set("WWW-Authenticate", wire.AuthScheme)
			http.Error(w, "this linkd answers only requests that carry its credential", http.StatusUnauthorized)
			return
		}
		api.ServeHTTP(w, r)
	})
}

// carries reports whether the value of a header is the credential by the Bearer
// scheme. It takes equally long wherever the two differ, so that a credential
// cannot be guessed letter by letter.
func carries(header, credential string) bool {
	scheme, given, _ := strings.Cut(header, " ")
	return credential != "" && strings.EqualFold(scheme, wire.AuthScheme) &&
		subtle.ConstantTimeCompare([]byte(given), []byte(credential)) == 1
}
