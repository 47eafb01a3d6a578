package gssapi

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// DefaultConfigFile is where krb5.conf is when the environment's KRB5_CONFIG does not say.
const DefaultConfigFile = "/etc/krb5.conf"

// Defaults are what the server needs of krb5.conf.
type Defaults struct {
	// Realm is default_realm, "" where there is none.
	Realm string
	// Skew is clockskew.
	Skew time.Duration
}

// ReadDefaults reads [libdefaults] of krb5.conf files, of which paths is a list as in KRB5_CONFIG; "" means DefaultConfigFile, which need not
// exist. As with MIT's library the first value of a relation counts.
func ReadDefaults(paths string) (Defaults, error) {
	r := profile{values: map[string]string{}}
	for _, path := range filepath.SplitList(paths) {
		if err := r.file(path); err != nil {
			return Defaults{}, err
		}
	}
	if paths == "" {
		if err := r.file(DefaultConfigFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Defaults{}, err
		}
	}
	skew, err := parseSkew(r.values["clockskew"])
	if err != nil {
		return Defaults{}, err
	}
	return Defaults{Realm: r.values["default_realm"], Skew: skew}, nil
}

// profile gathers the relations of [libdefaults] from a file and from those that it includes.
type profile struct {
	values   map[string]string
	includes int
}

func (p *profile) file(path string) error {
	f, err := os.Open(path) //nolint:gosec // the administrator names it
	if err != nil {
		return fmt.Errorf("krb5.conf: %w", err)
	}
	defer func() { _ = f.Close() }()
	inDefaults, depth := false, 0
	lines := bufio.NewScanner(io.LimitReader(f, maxConfigBytes))
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		key, value, isRelation := strings.Cut(line, "=")
		key, value = strings.TrimSpace(key), strings.TrimSpace(value)
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			inDefaults, depth = strings.HasPrefix(line, "[libdefaults]"), 0
		case strings.HasPrefix(line, "include ") || strings.HasPrefix(line, "includedir "):
			if err := p.include(strings.Fields(line)); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		case isRelation && strings.HasPrefix(value, "{"):
			depth++
		case line[0] == '}':
			depth--
		case inDefaults && depth == 0 && isRelation && p.values[key] == "":
			p.values[key] = strings.Trim(value, `"`)
		}
	}
	return lines.Err()
}

// include takes in what the line `include FILE` or `includedir DIRECTORY` names.
func (p *profile) include(words []string) error {
	if len(words) != 2 {
		return fmt.Errorf("%w: krb5.conf: %q", ErrBadConfig, strings.Join(words, " "))
	}
	files := []string{words[1]}
	if words[0] == "includedir" {
		var err error
		if files, err = configFiles(words[1]); err != nil {
			return err
		}
	}
	for _, path := range files {
		if p.includes++; p.includes > maxIncludes {
			return fmt.Errorf("%w: krb5.conf includes more than %d files", ErrBadConfig, maxIncludes)
		}
		if err := p.file(path); err != nil {
			return err
		}
	}
	return nil
}

// configFiles lists those files of a directory that MIT's library takes in: .conf, or letters, digits, dashes and underscores alone.
func configFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("krb5.conf: %w", err)
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	var out []string
	for _, e := range entries {
		hidden := strings.HasPrefix(e.Name(), ".")
		if !e.IsDir() && !hidden && (strings.HasSuffix(e.Name(), ".conf") || plain.MatchString(e.Name())) {
			out = append(out, filepath.Join(dir, e.Name()))
		}
	}
	return out, nil
}

// parseSkew reads seconds, or a time such as 5m; "" means the default.
func parseSkew(text string) (time.Duration, error) {
	if text == "" {
		return defaultSkew, nil
	}
	skew, err := time.ParseDuration(text)
	if seconds, isNumber := strconv.Atoi(text); isNumber == nil && seconds <= int(maxSkew/time.Second) {
		skew, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || skew <= 0 || skew > maxSkew {
		return 0, fmt.Errorf("%w: krb5.conf: clockskew = %s: it has to be above 0 and at most %s", ErrBadConfig, text, maxSkew)
	}
	return skew, nil
}
