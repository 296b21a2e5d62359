// A real OpenID Connect issuer for the tests: dex's own server over its own memory storage.
//
//	issuer -issuer URL -listen ADDRESS [-rotate 6h] [-valid 1h] [-cert FILE -key FILE]
//
// It has two users (password "pw"), the local password connector, and one client. Its keys live as
// long as the process: a restarted issuer has new ones, and -rotate makes new ones by itself.
package main

import (
	"context"
	"flag"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/dexidp/dex/server"
	"github.com/dexidp/dex/storage"
	"github.com/dexidp/dex/storage/memory"
	"golang.org/x/crypto/bcrypt"
)

func user(name string, id string) storage.Password {
	hash, err := bcrypt.GenerateFromPassword([]byte("pw"), bcrypt.DefaultCost)
	if err != nil {
		panic(err)
	}
	return storage.Password{Email: name + "@example.org", Username: name, UserID: id, Hash: hash}
}

func main() {
	issuer := flag.String("issuer", "", "the issuer's URL")
	listen := flag.String("listen", "", "host:port")
	rotate := flag.Duration("rotate", 6*time.Hour, "the age at which a signing key is replaced")
	valid := flag.Duration("valid", time.Hour, "for how long a token is good")
	cert := flag.String("cert", "", "certificate for TLS")
	key := flag.String("key", "", "its key")
	flag.Parse()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	users := []storage.Password{user("alice", "1"), user("bob", "2")}
	clients := []storage.Client{
		{ID: "hivegate", Secret: "s3", Name: "hivegate", RedirectURIs: []string{"http://127.0.0.1/"}},
		{ID: "other", Secret: "s4", Name: "other", RedirectURIs: []string{"http://127.0.0.1/"}},
	}
	local := storage.Connector{ID: server.LocalConnector, Type: server.LocalConnector, Name: "Users"}
	store := storage.WithStaticConnectors(storage.WithStaticPasswords(
		storage.WithStaticClients(memory.New(logger), clients), users, logger),
		[]storage.Connector{local})
	refresh, err := server.NewRefreshTokenPolicy(logger, false, "", "24h", "")
	if err != nil {
		panic(err)
	}
	handler, err := server.NewServer(context.Background(), server.Config{
		Issuer: *issuer, Storage: store, PasswordConnector: server.LocalConnector,
		SkipApprovalScreen: true, Logger: logger,
		RefreshTokenPolicy: refresh, RotateKeysAfter: *rotate, IDTokensValidFor: *valid,
		AllowedGrantTypes: []string{"password", "authorization_code", "refresh_token"},
	})
	if err != nil {
		panic(err)
	}
	if *cert != "" {
		panic(http.ListenAndServeTLS(*listen, *cert, *key, handler))
	}
	panic(http.ListenAndServe(*listen, handler))
}
