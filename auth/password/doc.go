// Package password says which passwords a user may be given. It sees passwords only where they come in clear: credentials that
// a client has salted, as AlterUserScramCredentials carries them, can not be judged.
package password
