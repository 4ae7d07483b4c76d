package model

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSetPodSpec(t *testing.T) {
	m, s := newModel(t, nil, map[string]any{"is-leader": leader})
	require.NoError(t, m.SetPodSpec(map[string]any{"version": int64(3), "containers": []any{map[string]any{"name": "a: b"}}},
		map[string]any{"kubernetesResources": map[string]any{"secrets": nil}}))
	require.NoError(t, m.SetPodSpec(map[string]any{"version": int64(3)}, nil))
	assert.Equal(t, []string{
		"containers:\n    - name: 'a: b'\nversion: 3\nkubernetesResources:\n    secrets: null\n",
		"version: 3\n",
	}, s.stdin)
	assert.Equal(t, []string{"is-leader --format=json", "pod-spec-set --file -", "pod-spec-set --file -"}, s.take())
	requireUsage(t, m.SetPodSpec(map[string]any{"a": 1}, map[string]any{"a": 2}), `"a" is both in the pod spec and in the Kubernetes resources`)

	m, s = newModel(t, nil, map[string]any{"is-leader": follower})
	requireKind(t, m.SetPodSpec(nil, nil), NotLeaderError, "cannot set the pod spec: web/0 is not the leader")
	assert.NotContains(t, s.take(), "pod-spec-set --file -")
}
