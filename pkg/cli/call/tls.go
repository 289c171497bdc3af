package call

import (
	"github.com/spf13/cobra"

	"github.com/shopctl/shopctl/pkg/call"
	"github.com/shopctl/shopctl/pkg/cli/cmdutil"
)

// tlsOptions are how a connection is secured, with the flags that grpcurl has.
type tlsOptions struct {
	on        bool
	tls       call.TLS
	authority string
}

// add adds the flags.
func (o *tlsOptions) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.on, "tls", false, "secure the connection with TLS; the following flags do so as well")
	flags.StringVar(&o.tls.CACert, "cacert", "", "PEM `FILE` of the certificates that may have signed the server's (default: the system's)")
	flags.StringVar(&o.tls.Cert, "cert", "", "PEM `FILE` of the client's certificate; needs --key")
	flags.StringVar(&o.tls.Key, "key", "", "PEM `FILE` of the client's private key; needs --cert")
	flags.BoolVar(&o.tls.Insecure, "insecure", false, "accept any certificate of the server")
	flags.StringVar(&o.tls.ServerName, "servername", "", "the server's certificate must have this `NAME`")
	flags.StringVar(&o.authority, "authority", "", "send this `NAME` as :authority; with TLS, also the name of the server's certificate")
	for _, name := range []string{"cacert", "cert", "key"} {
		cmdutil.Must(cmd.MarkFlagFilename(name))
	}
}

// secured is how the connection is secured; nil: it is not.
func (o *tlsOptions) secured() *call.TLS {
	if !o.on && o.tls == (call.TLS{}) {
		return nil
	}
	return &o.tls
}

// check refuses flags that do not fit together.
func (o *tlsOptions) check(c *callOptions, args []string) error {
	usage := func(text string) error {
		return cmdutil.UsageErr(c.f.IO.Command("call localhost:50051 --cacert ca.pem"), "%s", text)
	}
	secured := o.secured() != nil
	switch {
	case (o.tls.Cert == "") != (o.tls.Key == ""):
		return usage("--cert and --key go together")
	case o.tls.Insecure && o.tls.CACert != "":
		return usage("--insecure and --cacert cannot be combined")
	case o.tls.ServerName != "" && o.authority != "" && o.tls.ServerName != o.authority:
		return usage("--servername and --authority cannot be different")
	case secured && c.outside.plaintext:
		return usage("--plaintext and the flags of TLS cannot be combined")
	case secured && c.from != "":
		return usage("--from and the flags of TLS cannot be combined: the sidecar adds TLS")
	}
	return nil
}
