package harness

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The archives of loaded classes (class data sharing) that test/setup has made: with one, a JVM starts in half of the time. A JVM ignores an
// archive that is not there, or that was made by another JVM or of other jars.
const (
	brokerArchive  = "broker.jsa"
	clientsArchive = "clients.jsa"
)

// ClassPath is the class path of Apache Kafka and the test clients, as test/setup has built it. It is the same text, whatever the name by
// which the repository is reached: an archive of classes is of one class path.
func ClassPath(root string) (string, error) {
	dir, err := javaDir(root)
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "chronik-interop-1.jar") + ":" + filepath.Join(dir, "libs", "*"), nil
}

func javaDir(root string) (string, error) {
	dir, err := filepath.EvalSymlinks(filepath.Join(root, "test", "java", "target"))
	if err == nil {
		_, err = os.Stat(filepath.Join(dir, "ready"))
	}
	if err != nil {
		return "", fmt.Errorf("the Java clients are not built: %w (run `make tools`)", err)
	}
	return dir, nil
}

// JavaArgs are the arguments of a java that runs a main class of Apache Kafka's clients and tools, or of the test clients. Options are those
// of the JVM, such as its system properties.
func JavaArgs(t testing.TB, options []string, main string, args ...string) []string {
	t.Helper()
	all, err := javaArgs(Root(t), clientsArchive, options, main, args...)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func javaArgs(root, archive string, options []string, main string, args ...string) ([]string, error) {
	dir, err := javaDir(root)
	if err != nil {
		return nil, err
	}
	classPath, err := ClassPath(root)
	if err != nil {
		return nil, err
	}
	// What the JVM warns of, such as an archive that it can not use, is not part of what the class prints.
	fixed := []string{"-XX:SharedArchiveFile=" + filepath.Join(dir, archive), "-Xlog:disable", "-Xlog:all=warning:stderr"}
	if quick {
		fixed = append(fixed, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
	}
	return slices.Concat(fixed, options, []string{"-cp", classPath, main}, args), nil
}
