package cmdutil

// otherWord is what to type here in place of a command that kubectl, docker compose or grpcurl has and shopctl has not.
type otherWord struct {
	// why there is no such command; empty where the other name says it all.
	why string
	// ours can be pasted, up to words in capitals.
	ours string
}

const (
	noImages = "images are programs of this machine: there is nothing to pull, build or push"
	noNodes  = "everything runs on this machine: there are no nodes"
	noRoles  = "this machine does not restrict what a ServiceAccount may do"
)

// otherWords are the commands of other tools by their words after "shopctl". A command that shopctl gets is taken out here: a
// test says so.
func otherWords() map[string]otherWord {
	return map[string]otherWord{
		// kubectl
		"api-resources": {"the help of apply lists the kinds", "shopctl apply --help"},
		"api-versions":  {"the help of apply lists the kinds", "shopctl apply --help"},
		"attach":        {"instances have no terminal", "shopctl logs -f SERVICE"},
		"auth":          {noRoles, "shopctl get serviceaccounts"},
		"autoscale":     {"this version does not scale by load", "shopctl scale SERVICE --replicas 3"},
		"certificate":   {"the mesh signs the certificates of its sidecars itself", "shopctl mesh secrets SERVICE"},
		"cluster-info":  {"", "shopctl status"},
		"config view":   {"there is one shop for each --name, and no contexts", "shopctl status"},
		"cordon":        {noNodes, "shopctl ps --instances"},
		"cp":            {"instances use the files of this machine", "shopctl status"},
		"debug":         {"", "shopctl logs SERVICE --level warn"},
		"drain":         {noNodes, "shopctl ps --instances"},
		"run":           {"a Deployment runs a program", "shopctl create deployment NAME --image IMAGE"},
		"kustomize":     {"", "kubectl kustomize DIR | shopctl apply -f -"},
		"proxy":         {"every service has an address of this machine", "shopctl ps"},
		"taint":         {noNodes, "shopctl ps --instances"},
		"top node":      {noNodes, "shopctl top pods"},
		"top nodes":     {noNodes, "shopctl top pods"},
		"uncordon":      {noNodes, "shopctl ps --instances"},
		// docker compose
		"build":   {noImages, "shopctl up"},
		"compose": {"leave it out: ps, logs, stop, start, restart and down are commands of shopctl itself", "shopctl ps"},
		"images":  {"", "shopctl get deployments"},
		"kill":    {"", "shopctl fault inject SERVICE --crash"},
		"ls":      {"", "shopctl ps"},
		"pause":   {"", "shopctl fault inject SERVICE --pause"},
		"port":    {"", "shopctl ps"},
		"pull":    {noImages, "shopctl up"},
		"push":    {noImages, "shopctl up"},
		"rm":      {"", "shopctl delete deployment NAME"},
		"stats":   {"", "shopctl top"},
		"unpause": {"", "shopctl fault clear SERVICE"},
		"watch":   {"", "shopctl dash"},
		// grpcurl
		"list":     {"", "shopctl call SERVICE"},
		"invoke":   {"", "shopctl call SERVICE METHOD"},
		"grpcurl":  {"", "shopctl call SERVICE METHOD"},
		"kubectl":  {"leave it out: get, describe, logs, apply and the others are commands of shopctl itself", "shopctl get deployments"},
		"istioctl": {"", "shopctl mesh status"},
	}
}
