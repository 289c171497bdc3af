package call

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// TLS is how a connection is secured. Files are PEM.
type TLS struct {
	// CACert is the path of the certificates of those who may sign the server's; empty: the system's.
	CACert string
	// Cert and Key are the paths of the client's certificate and its private key; both or none.
	Cert, Key string
	// Insecure accepts any certificate of the server.
	Insecure bool
	// ServerName is the name that the server's certificate must have, and the one that is asked for; empty: that of the
	// target's authority, or of its address.
	ServerName string
}

// transport returns the credentials of a connection; without TLS, those of plaintext.
func (t *TLS) transport() (credentials.TransportCredentials, error) {
	if t == nil {
		return insecure.NewCredentials(), nil
	}
	config := &tls.Config{InsecureSkipVerify: t.Insecure, ServerName: t.ServerName, MinVersion: tls.VersionTLS12}
	if t.CACert != "" {
		pem, err := os.ReadFile(t.CACert)
		if err != nil {
			return nil, &Invalid{Text: fmt.Sprintf("read the CA's certificates: %v", err), Hint: "--cacert takes the path of a PEM file"}
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &Invalid{Text: fmt.Sprintf("read the CA's certificates: %s has none in PEM", t.CACert), Hint: "it begins with -----BEGIN CERTIFICATE-----"}
		}
	}
	if t.Cert != "" || t.Key != "" {
		pair, err := tls.LoadX509KeyPair(t.Cert, t.Key)
		if err != nil {
			return nil, &Invalid{Text: fmt.Sprintf("read the client's certificate and key: %v", err), Hint: "--cert and --key take the paths of PEM files that belong together"}
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return credentials.NewTLS(config), nil
}

func (t *TLS) equal(other *TLS) bool {
	if t == nil || other == nil {
		return t == other
	}
	return *t == *other
}
