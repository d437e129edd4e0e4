//go:build tools

// Package oracle names the programs of Kubernetes that tests compare with, so that go.mod keeps what they need.
package oracle

import _ "k8s.io/kubernetes/cmd/kube-apiserver"
