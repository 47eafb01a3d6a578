package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

// TestSourceRules looks at every Go file: no init functions outside generated code, no file over 500 lines of code outside
// tests, and no sleeping tests.
func TestSourceRules(t *testing.T) {
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (strings.HasPrefix(d.Name(), ".") && d.Name() != "../.." && d.Name() != ".." || d.Name() == "target") {
			return filepath.SkipDir
		}
		if strings.HasSuffix(path, ".go") {
			checkSource(t, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

const maxLines = 500

func checkSource(t *testing.T, path string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	isTest := strings.HasSuffix(path, "_test.go")
	if lines := set.File(file.Pos()).LineCount(); !isTest && lines > maxLines {
		t.Errorf("%s has %d lines, more than %d", path, lines, maxLines)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && n.Name.Name == "init" {
				t.Errorf("%s has an init function", path)
			}
		case *ast.SelectorExpr:
			pkg, isIdent := n.X.(*ast.Ident)
			if isTest && isIdent && pkg.Name == "time" && n.Sel.Name == "Sleep" {
				t.Errorf("%s sleeps: wait on a condition", set.Position(n.Pos()))
			}
			if isTest && (n.Sel.Name == "Skip" || n.Sel.Name == "Skipf" || n.Sel.Name == "SkipNow") {
				t.Errorf("%s skips a test", set.Position(n.Pos()))
			}
		}
		return true
	})
}
