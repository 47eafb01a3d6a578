package certsdev

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// errDamaged means that files are there and do not hold what they should.
var errDamaged = errors.New("not a certificate and its key")

// pair is a private key and its certificate, followed by the certificate of its issuer.
type pair struct {
	key   *ecdsa.PrivateKey
	chain []*x509.Certificate
}

func (p *pair) leaf() *x509.Certificate { return p.chain[0] }

// readPair reads what write wrote.
func readPair(certPath, keyPath string) (*pair, error) {
	certText, certErr := os.ReadFile(certPath) // #nosec G304 -- in the directory that the operator names
	keyText, keyErr := os.ReadFile(keyPath)    // #nosec G304 -- likewise
	if err := errors.Join(certErr, keyErr); err != nil {
		return nil, fmt.Errorf("read a development certificate: %w", err)
	}
	p := &pair{}
	for block, rest := pem.Decode(certText); block != nil; block, rest = pem.Decode(rest) {
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", certPath, errDamaged, err)
		}
		p.chain = append(p.chain, cert)
	}
	block, _ := pem.Decode(keyText)
	if block == nil || len(p.chain) == 0 {
		return nil, fmt.Errorf("%s, %s: %w", certPath, keyPath, errDamaged)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", keyPath, errDamaged, err)
	}
	var isECDSA bool
	if p.key, isECDSA = key.(*ecdsa.PrivateKey); !isECDSA || !p.key.PublicKey.Equal(p.leaf().PublicKey) {
		return nil, fmt.Errorf("%s, %s: %w", certPath, keyPath, errDamaged)
	}
	return p, nil
}

// write writes the key before the certificate. A crash between the two leaves a pair that does not fit, which the next start
// makes anew.
func (p *pair) write(certPath, keyPath string) error {
	key, err := p.keyText()
	if err != nil {
		return err
	}
	if err := writeFile(keyPath, key, 0o600); err != nil {
		return err
	}
	return writeFile(certPath, p.chainText(), 0o644)
}

func (p *pair) keyText() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(p.key)
	if err != nil {
		return nil, fmt.Errorf("encode a private key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func (p *pair) chainText() []byte {
	var text []byte
	for _, cert := range p.chain {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})...)
	}
	return text
}

// keepKeyStore writes p as one file, unless that is what is there.
func keepKeyStore(p *pair, path string) error {
	key, err := p.keyText()
	if err != nil {
		return err
	}
	want := append(key, p.chainText()...)
	have, err := os.ReadFile(path) // #nosec G304 -- in the directory that the operator names
	if err == nil && bytes.Equal(have, want) {
		return nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("read a development key store: %w", err)
	}
	return writeFile(path, want, 0o600)
}

// writeFile writes a file so that after a crash it is the old one or the new one, whole.
func writeFile(path string, content []byte, mode os.FileMode) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, writeErr := file.Write(content)
	if err := errors.Join(writeErr, file.Chmod(mode), file.Sync(), file.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path) // #nosec G304 -- the directory that the operator names
	if err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync %s: %w", path, err)
	}
	return nil
}
