package main

import (
	"os"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// developmentVersion is the version of a build that no tag names.
const developmentVersion = "dev"

// newRoot is the command line.
func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "chronik",
		Short: "A Kafka-compatible event streaming broker for places where security and evidence come first",
		Long: `Chronik is a broker that Apache Kafka's clients and tools use unchanged.

A first broker, with certificates, an administrator and client settings made for it:

    chronik server --dev DIR

A broker of your own:

    chronik format --config server.properties --add-scram 'SCRAM-SHA-512=[name=admin,password=...]'
    chronik server --config server.properties`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetOut(os.Stdout)
	root.AddCommand(newServer(), newFormat(), newConfig(), newLog(), newPolicy(), newImport(), newUser(), newApprove(), newAuthz(), newDoctor())
	return root
}

// version is the module's version with the commit that it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return developmentVersion
	}
	return info.Main.Version
}
