// Times Kubernetes' own authorizers on a world that `verdikt-bench write` made, and checks that they
// decide as verdikt does. Prints one JSON object; benches/go/run puts it beside verdikt's figures.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"time"

	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	rbaclisters "k8s.io/client-go/listers/rbac/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/auth/authorizer/abac"
	"k8s.io/kubernetes/pkg/auth/nodeidentifier"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/node"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

type request struct {
	User        string   `json:"user"`
	Groups      []string `json:"groups"`
	Verb        string   `json:"verb"`
	APIGroup    string   `json:"apiGroup"`
	Resource    string   `json:"resource"`
	Subresource string   `json:"subresource"`
	Namespace   string   `json:"namespace"`
	Name        string   `json:"name"`
	Allowed     bool     `json:"allowed"`
}

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("usage: %s rbac|node|abac FOLDER", os.Args[0]))
	}
	world, folder := os.Args[1], os.Args[2]
	asked, wanted := requests(filepath.Join(folder, "requests.jsonl"))
	var judge authorizer.Authorizer
	switch world {
	case "rbac":
		judge = rbacOf(filepath.Join(folder, "objects.jsonl"))
	case "node":
		judge = nodeOf(filepath.Join(folder, "objects.jsonl"))
	case "abac":
		policies, err := abac.NewFromFile(filepath.Join(folder, "policy.jsonl"))
		fail(err)
		judge = policies
	default:
		fail(fmt.Errorf("there is no world %q", world))
	}

	for index, attributes := range asked {
		decision, reason, _ := judge.Authorize(context.Background(), attributes)
		if (decision == authorizer.DecisionAllow) != wanted[index] {
			fail(fmt.Errorf("request %d: Kubernetes decides %v (%s), verdikt: allowed %v", index, decision, reason, wanted[index]))
		}
	}
	out, err := json.Marshal(map[string]any{"world": world, "requests": len(asked), "decision_ns": median(judge, asked)})
	fail(err)
	fmt.Println(string(out))
}

// median times passes over all requests for about ten seconds, and gives the nanoseconds of one request.
func median(judge authorizer.Authorizer, asked []authorizer.Attributes) float64 {
	var times []float64
	for begin := time.Now(); len(times) < 3 || time.Since(begin) < 10*time.Second; {
		start := time.Now()
		for _, attributes := range asked {
			judge.Authorize(context.Background(), attributes)
		}
		times = append(times, float64(time.Since(start).Nanoseconds())/float64(len(asked)))
	}
	sort.Float64s(times)
	return times[len(times)/2]
}

func requests(path string) (asked []authorizer.Attributes, wanted []bool) {
	lines(path, func(line []byte) {
		var it request
		fail(json.Unmarshal(line, &it))
		asked = append(asked, authorizer.AttributesRecord{
			User:            &user.DefaultInfo{Name: it.User, Groups: it.Groups},
			Verb:            it.Verb,
			APIGroup:        it.APIGroup,
			APIVersion:      "v1",
			Resource:        it.Resource,
			Subresource:     it.Subresource,
			Namespace:       it.Namespace,
			Name:            it.Name,
			ResourceRequest: true,
		})
		wanted = append(wanted, it.Allowed)
	})
	return asked, wanted
}

// rbacOf puts the objects where kube-apiserver's informers would: into indexers by namespace.
func rbacOf(path string) authorizer.Authorizer {
	indexer := func() cache.Indexer {
		byNamespace := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc}
		return cache.NewIndexer(cache.MetaNamespaceKeyFunc, byNamespace)
	}
	roles, roleBindings, clusterRoles, clusterRoleBindings := indexer(), indexer(), indexer(), indexer()
	lines(path, func(line []byte) {
		switch kindOf(line) {
		case "Role":
			read(line, &rbacv1.Role{}, roles.Add)
		case "ClusterRole":
			read(line, &rbacv1.ClusterRole{}, clusterRoles.Add)
		case "RoleBinding":
			read(line, &rbacv1.RoleBinding{}, roleBindings.Add)
		case "ClusterRoleBinding":
			read(line, &rbacv1.ClusterRoleBinding{}, clusterRoleBindings.Add)
		}
	})
	return rbac.New(
		&rbac.RoleGetter{Lister: rbaclisters.NewRoleLister(roles)},
		&rbac.RoleBindingLister{Lister: rbaclisters.NewRoleBindingLister(roleBindings)},
		&rbac.ClusterRoleGetter{Lister: rbaclisters.NewClusterRoleLister(clusterRoles)},
		&rbac.ClusterRoleBindingLister{Lister: rbaclisters.NewClusterRoleBindingLister(clusterRoleBindings)},
	)
}

func nodeOf(path string) authorizer.Authorizer {
	graph := node.NewGraph()
	lines(path, func(line []byte) {
		switch kindOf(line) {
		case "Pod":
			read(line, &corev1.Pod{}, func(pod any) error { graph.AddPod(pod.(*corev1.Pod)); return nil })
		case "PersistentVolume":
			read(line, &corev1.PersistentVolume{}, func(volume any) error {
				graph.AddPV(volume.(*corev1.PersistentVolume))
				return nil
			})
		}
	})
	return node.NewAuthorizer(graph, nodeidentifier.NewDefaultNodeIdentifier(), bootstrappolicy.NodeRules())
}

func kindOf(line []byte) string {
	var object struct {
		Kind string `json:"kind"`
	}
	fail(json.Unmarshal(line, &object))
	return object.Kind
}

func read(line []byte, into any, add func(any) error) {
	fail(json.Unmarshal(line, into))
	fail(add(into))
}

func lines(path string, each func([]byte)) {
	file, err := os.Open(path)
	fail(err)
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<20)
	for scanner.Scan() {
		each(scanner.Bytes())
	}
	fail(scanner.Err())
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
