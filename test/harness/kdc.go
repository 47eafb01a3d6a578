package harness

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Realm is the realm of a KDC's principals, KafkaPrincipal the service that clients of localhost want tickets for.
const (
	Realm          = "TEST.CHRONIK"
	KafkaPrincipal = "kafka/localhost@" + Realm
)

// Enctypes are the encryption types that a KDC makes keys of, by MIT's names; the numbers are 17 to 20.
func Enctypes() []string {
	return []string{"aes128-cts-hmac-sha1-96", "aes256-cts-hmac-sha1-96", "aes128-cts-hmac-sha256-128", "aes256-cts-hmac-sha384-192"}
}

// KDC is MIT's krb5kdc with a data base of its own. It listens on loopback, runs in a directory of the test's, and ends with the test.
type KDC struct {
	Dir string
	// Address is where it listens.
	Address string
	cmd     *exec.Cmd
	log     *tail
}

// StartKDC makes a realm and starts its KDC. It knows the Enctypes and RC4, which clients use only by a configuration that allows it.
func StartKDC(t testing.TB) *KDC {
	t.Helper()
	k := &KDC{Dir: t.TempDir(), Address: FreeAddress(t), log: &tail{}}
	enctypes := append(Enctypes(), "arcfour-hmac")
	k.write(t, "krb5.conf", k.configuration(enctypes))
	k.write(t, "kdc.conf", fmt.Sprintf(`[kdcdefaults]
 kdc_listen = %[1]s
 kdc_tcp_listen = %[1]s
[realms]
 %[2]s = {
  database_name = %[3]s/principal
  key_stash_file = %[3]s/stash
  acl_file = %[3]s/kadm5.acl
  master_key_type = aes256-cts-hmac-sha1-96
  supported_enctypes = %[4]s
 }
`, k.Address, Realm, k.Dir, strings.Join(enctypes, ":normal ")+":normal"))
	k.run(t, "kdb5_util", "create", "-s", "-P", "master", "-r", Realm)
	k.launch(t)
	return k
}

// configuration is a krb5.conf by which clients use the given encryption types alone. gokrb5 wants braces on lines of their own.
func (k *KDC) configuration(enctypes []string) string {
	return fmt.Sprintf(`[libdefaults]
 default_realm = %[1]s
 dns_lookup_kdc = false
 dns_lookup_realm = false
 rdns = false
 dns_canonicalize_hostname = false
 udp_preference_limit = 1
 allow_rc4 = true
 allow_weak_crypto = true
 permitted_enctypes = %[2]s
 default_tkt_enctypes = %[2]s
 default_tgs_enctypes = %[2]s
[realms]
 %[1]s = {
  kdc = %[3]s
 }
`, Realm, strings.Join(enctypes, " "), k.Address)
}

// Conf is the krb5.conf of the KDC itself, which allows every encryption type.
func (k *KDC) Conf() string { return filepath.Join(k.Dir, "krb5.conf") }

// ConfOf writes a krb5.conf for clients that use the given encryption types alone, and returns its path. more adds lines to
// [libdefaults].
func (k *KDC) ConfOf(t testing.TB, enctypes []string, more ...string) string {
	t.Helper()
	text := k.configuration(enctypes)
	for _, line := range more {
		text = strings.Replace(text, "[libdefaults]\n", "[libdefaults]\n "+line+"\n", 1)
	}
	path := filepath.Join(t.TempDir(), "krb5.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Principals adds principals with random keys, unless they are there.
func (k *KDC) Principals(t testing.TB, names ...string) {
	t.Helper()
	for _, name := range names {
		if out := k.Admin(t, "getprinc "+name); !strings.Contains(out, "Principal: ") {
			k.Admin(t, "addprinc -randkey "+name)
		}
	}
}

// Keytab adds principals that are not there, gives each a new key, and returns a new file with the keys. Tickets for older keys do not
// end by that, but older keytabs do not serve for new ones.
func (k *KDC) Keytab(t testing.TB, names ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keytab")
	k.AddKeys(t, path, names...)
	return path
}

// AddKeys is Keytab for a file that may be there and keeps what it has.
func (k *KDC) AddKeys(t testing.TB, path string, names ...string) {
	t.Helper()
	k.Principals(t, names...)
	k.Admin(t, "ktadd -k "+path+" "+strings.Join(names, " "))
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no keytab of %s: %v", names, err)
	}
}

// Rotate gives a principal new keys of the next version, and puts them into its keytab before the KDC has them: no ticket is for a key that
// the file lacks. They are made of a password, since the KDC tells random ones only when it has them.
func (k *KDC) Rotate(t testing.TB, path, name string, version int) {
	t.Helper()
	password := fmt.Sprintf("a password of version %d", version)
	var commands strings.Builder
	for _, enctype := range Enctypes() {
		fmt.Fprintf(&commands, "addent -password -p %s -k %d -e %s\n%s\n", name, version, enctype, password)
	}
	fmt.Fprintf(&commands, "wkt %s\nquit\n", path)
	Command(t, commands.String(), "env", "KRB5_CONFIG="+k.Conf(), "ktutil")
	if out := k.Admin(t, fmt.Sprintf("cpw -pw %q %s", password, name)); !strings.Contains(out, "changed") {
		t.Fatalf("the KDC has no new key of %s: %s", name, out)
	}
}

// KeysOf gives a principal, which is made where it is not there, new keys of some encryption types alone, and puts them into a file.
func (k *KDC) KeysOf(t testing.TB, path, name string, enctypes []string) {
	t.Helper()
	k.Principals(t, name)
	k.Admin(t, "ktadd -k "+path+" -e "+strings.Join(enctypes, ":normal,")+":normal "+name)
}

// Tickets gets a principal its first ticket by a keytab, as kinit does, and returns the cache's file. conf is a krb5.conf.
func (k *KDC) Tickets(t testing.TB, conf, keytab, principal string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tickets")
	Command(t, "", "env", "KRB5_CONFIG="+conf, "kinit", "-c", "FILE:"+path, "-k", "-t", keytab, principal)
	return path
}

// Admin runs one query of kadmin on the data base, and returns what it printed.
func (k *KDC) Admin(t testing.TB, query string) string {
	t.Helper()
	return k.run(t, "kadmin.local", "-r", Realm, "-q", query)
}

func (k *KDC) environment() []string {
	return []string{"KRB5_CONFIG=" + k.Conf(), "KRB5_KDC_PROFILE=" + filepath.Join(k.Dir, "kdc.conf")}
}

// run runs one of MIT's programs, which are where only the administrator's path has them.
func (k *KDC) run(t testing.TB, program string, args ...string) string {
	t.Helper()
	all := append(k.environment(), sbin(t, program))
	out, err := TryCommand(t, "", "env", append(all, args...)...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

func sbin(t testing.TB, program string) string {
	t.Helper()
	if path, err := exec.LookPath(program); err == nil {
		return path
	}
	path := filepath.Join("/usr/sbin", program)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%s is not installed: %v (run `make tools`)", program, err)
	}
	return path
}

func (k *KDC) write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(k.Dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (k *KDC) launch(t testing.TB) {
	t.Helper()
	k.cmd = exec.Command(sbin(t, "krb5kdc"), "-n", "-r", Realm, "-P", filepath.Join(k.Dir, "pid"))
	k.cmd.Env = append(os.Environ(), k.environment()...)
	k.cmd.Stdout, k.cmd.Stderr = k.log, k.log
	exited := startProcess(t, "the KDC", k.cmd)
	t.Cleanup(func() {
		_ = k.cmd.Process.Kill()
		<-exited
		if t.Failed() {
			t.Logf("the KDC's log ends with:\n%s", k.log.last(logLines))
		}
	})
	awaitReady(t, "the KDC", exited, k.log, listens(k.Address))
}
