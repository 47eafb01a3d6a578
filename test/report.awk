# Reads the output of go test, with or without -v, and prints what failed: tests, panics, packages. Of each its first lines, and of
# tests the last, too.
BEGIN { most = 8 }

# With -v a test's lines stand between these and its end, else after its end. Packages may have tests of the same name.
/^=== / { left = 0 }
/^=== (RUN|NAME|CONT) / { test = packages + 0 " " $3 }
/^=== / { next }
/^ *--- (FAIL|PASS|SKIP): / {
  left = 0; test = packages + 0 " " $3
  if ($2 == "FAIL:") { failed[++failures] = test; end[test] = $0 }
  next
}
/^(panic: |fatal error: |# )/ { broken[++breaks] = $0; left = most; test = ""; next }
/^(FAIL|ok)[ \t]+[^ \t]/ { packages++; if ($1 == "FAIL") ended = ended $0 "\n" }
/^(FAIL|PASS|ok|exit status)([ \t]|$)/ { left = 0; test = ""; next }

left > 0 { broken[breaks] = broken[breaks] "\n" $0; left--; next }
test == "" { next }
{
  n = ++lines[test]
  if (n <= most) { first[test] = first[test] $0 "\n"; next }
  last[test] = last[test] $0 "\n"
  if (n > 2 * most) sub(/^[^\n]*\n/, "", last[test])
}

END {
  print "\n== what failed"
  for (i = 1; i <= failures; i++) {
    test = failed[i]
    printf "%s\n%s", end[test], first[test]
    if (lines[test] > 2 * most) printf "    [%d lines]\n", lines[test] - 2 * most
    printf "%s", last[test]
  }
  for (i = 1; i <= breaks; i++) print broken[i]
  printf "%s", ended
}
