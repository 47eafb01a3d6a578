package broker

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/chronik-stream/chronik/broker/meta"
	"github.com/chronik-stream/chronik/broker/quorum"
	"github.com/chronik-stream/chronik/broker/storage"
	"github.com/chronik-stream/chronik/broker/vfs"
	"github.com/chronik-stream/chronik/broker/wire"
)

// Errors of Format and of checking what it made.
var (
	// ErrFormatted means that a directory is formatted already.
	ErrFormatted = errors.New("the log directory is already formatted")
	// ErrNotFormatted means that a directory has to be formatted first.
	ErrNotFormatted = errors.New("the log directory is not formatted (run `chronik format`)")
	// ErrOtherNode means that a directory belongs to another node or cluster.
	ErrOtherNode = errors.New("the log directory belongs to another node")
)

// FormatOptions say what to prepare.
type FormatOptions struct {
	NodeID      int32
	LogDirs     []string
	MetadataDir string
	// ClusterID is the cluster's id; "" draws one.
	ClusterID string
	// Features are the levels of features to begin with.
	Features map[string]int16
	// Users are the first users.
	Users  []meta.ScramCredential
	Logger *slog.Logger
}

// secretBytes is the length of the cluster's secret.
const secretBytes = 32

// Format prepares the directories of a new node: the metadata log with the cluster's id and first users, then, last, the file
// in each log directory that says whose it is. It returns the cluster's id.
func Format(ctx context.Context, o FormatOptions) (string, error) {
	files := vfs.OS{}
	for _, dir := range o.LogDirs {
		switch _, err := storage.ReadMetaProperties(files, dir); {
		case err == nil:
			return "", fmt.Errorf("%w: %s", ErrFormatted, dir)
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
	}
	clusterID, err := formatMetadata(ctx, o)
	if err != nil {
		return "", fmt.Errorf("format %s: %w", o.MetadataDir, err)
	}
	for _, dir := range o.LogDirs {
		p := storage.MetaProperties{ClusterID: clusterID, NodeID: o.NodeID}
		_, _ = rand.Read(p.DirectoryID[:]) // never fails
		if err := p.Write(files, filepath.ToSlash(dir)); err != nil {
			return "", err
		}
	}
	return clusterID, nil
}

// newClusterID is a random id in the form of Apache Kafka's: 22 characters of base64url.
func newClusterID() string {
	for {
		var id [16]byte
		_, _ = rand.Read(id[:]) // never fails
		if text := base64.RawURLEncoding.EncodeToString(id[:]); text[0] != '-' {
			return text
		}
	}
}

// formatMetadata makes the metadata log, or goes on with one whose making was interrupted: no broker has registered in it yet.
func formatMetadata(ctx context.Context, o FormatOptions) (clusterID string, err error) {
	store := meta.NewStore()
	q, err := openNew(ctx, quorum.Config{Dir: o.MetadataDir, NodeID: o.NodeID, Machine: store, Logger: o.Logger})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, q.Close()) }()
	log := &metadataLog{Store: store, quorum: q}
	used := false
	store.Image().Brokers(func(*meta.Broker) bool { used = true; return false })
	if used {
		return "", ErrFormatted
	}
	clusterID = cmp.Or(o.ClusterID, store.Image().ClusterID(), newClusterID())
	secret := make([]byte, secretBytes)
	_, _ = rand.Read(secret) // never fails
	result, err := log.Propose(ctx, &meta.SetCluster{ClusterID: clusterID, Features: o.Features, Secret: secret})
	if err == nil {
		err = firstFailure(result)
	}
	if err == nil && len(o.Users) > 0 {
		err = addUsers(ctx, log, o.Users)
	}
	return clusterID, err
}

func openNew(ctx context.Context, c quorum.Config) (*quorum.Quorum, error) {
	q, err := quorum.Open(ctx, c)
	if !errors.Is(err, quorum.ErrNotFormatted) {
		return q, err
	}
	c.Create = true
	return quorum.Open(ctx, c)
}

func firstFailure(r meta.Result) error {
	for _, item := range r.Items {
		if item.Code != wire.None {
			return fmt.Errorf("%s: %s: %s", item.Name, wire.CodeName(item.Code), item.Message)
		}
	}
	return nil
}

func addUsers(ctx context.Context, log *metadataLog, users []meta.ScramCredential) error {
	origin := meta.Origin{EventID: rand.Text(), Principal: "User:(format)", API: "AlterUserScramCredentials", Time: time.Now()}
	result, err := log.Propose(ctx, &meta.AlterScram{Origin: origin, Upserts: users})
	if err != nil {
		return err
	}
	return firstFailure(result)
}
