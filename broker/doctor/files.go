package doctor

import (
	"io/fs"
	"slices"
)

const (
	// othersMay are the permissions of those who are neither the owner nor in the group; groupMayWrite is the group's to change.
	othersMay     fs.FileMode = 0o007
	groupMayWrite fs.FileMode = 0o020
)

// fileChecks look at who can read secrets on the machine.
func fileChecks() []Check {
	return []Check{
		{
			ID: "secret-file-open", State: Open, Severity: High, Controls: []string{"AC-3", "AC-6", "IA-5(6)", "SC-12", "SC-28", "PCI 3.6.1"},
			Title: "A file with a private key, a keytab or passwords can be read or changed by others on the machine.",
			Mend:  "chmod 600 FILE, owned by the broker's user; 640 where a group has to read it",
			find: func(f *Facts, e *examination) {
				for _, path := range secretFiles(f) {
					judgeMode(f, e, path, othersMay|groupMayWrite)
				}
			},
		},
		{
			ID: "data-directory-open", State: Open, Severity: High, Controls: []string{"AC-3", "AC-6", "SC-28", "PCI 3.5.1", "CC6.1"},
			Title: "A directory with records, which are not encrypted at rest, can be entered by others on the machine.",
			Mend:  "chmod 700 DIRECTORY, owned by the broker's user",
			find: func(f *Facts, e *examination) {
				directories := append(slices.Clone(f.Config.Storage.LogDirs), f.Config.Storage.MetadataDir)
				slices.Sort(directories)
				for _, path := range slices.Compact(directories) {
					judgeMode(f, e, path, othersMay|groupMayWrite)
				}
			},
		},
	}
}

func judgeMode(f *Facts, e *examination, path string, forbidden fs.FileMode) {
	info, err := f.Stat(path)
	switch {
	case err != nil:
		e.unknown(path, "%s", err)
	case info.Mode().Perm()&forbidden != 0:
		e.found(path, "its permissions are %04o", info.Mode().Perm())
	}
}

// secretFiles are the files of the configuration that hold secrets, each once.
func secretFiles(f *Facts) []string {
	paths := []string{f.Config.Security.PlainUsersFile}
	for i := range f.Listeners {
		l := &f.Listeners[i]
		if l.GSSAPI != nil {
			paths = append(paths, l.GSSAPI.Keytab)
		}
		switch {
		case l.TLS == nil:
		case l.TLS.KeyLocation != "":
			paths = append(paths, l.TLS.KeyLocation)
		default:
			paths = append(paths, l.TLS.KeyStoreLocation)
		}
	}
	f.Config.Explicit(func(_ string, sensitive bool) bool {
		if sensitive {
			paths = append(paths, f.ConfigFile)
		}
		return !sensitive
	})
	slices.Sort(paths)
	return slices.DeleteFunc(slices.Compact(paths), func(path string) bool { return path == "" })
}
