package modeltest_test

import (
	"strconv"
	"strings"

	"github.com/starcharm/starcharm/model/modeltest"
)

func kubernetes(s *modeltest.State) { s.Model.Type = "kubernetes" }

// podSpec is one that Juju accepts, as a Go string.
const podSpec = `"version: 3\ncontainers: [{name: a, image: b}]\n"`

// legacyScenarios are about what Juju 3.6 or 4.0 has dropped.
func legacyScenarios() []scenario {
	return []scenario{
		{name: "leader settings", calls: `
			leader-get
			leader-get --format=json
			leader-get a
			leader-get a=b
			leader-get - x
			leader-get -
			leader-set
			leader-set a=b c=
			leader-set a
			leader-set a=b a=c
			leader-set =b
			leader-get
			leader-get --format=json
			leader-get --format=yaml a
			leader-get --format=smart a
			leader-get nope --format=json
			leader-get ''
			leader-set a=
			leader-get --format=json -
			leader-set 'x y=1' z=a=b
			leader-get
			leader-set --format json a=b
		`},
		{name: "leader settings of a hook that fails", exit: 1, calls: `leader-set kept=yes`},
		{name: "leader settings, by a follower", change: func(s *modeltest.State) {
			follower(s)
			s.LeaderSettings = map[string]string{"k": "v"}
		}, calls: `
			leader-get
			leader-get k --format=json
			leader-set a=b
			leader-set
			leader-set a
		`},
		{name: "payloads", calls: `
			payload-register
			payload-register docker monitor
			payload-register docker monitor ''
			payload-register kvm monitor x
			payload-register docker nope x
			payload-status-set monitor x stopped
			payload-unregister monitor x
			payload-register docker monitor x
			payload-register docker monitor x l1 l2
			payload-register docker monitor y
			payload-status-set monitor x stopped
			payload-status-set monitor other stopping
			payload-status-set monitor x
			payload-status-set monitor x bad
			payload-status-set monitor x running extra
			payload-status-set nope x running
			payload-unregister
			payload-unregister monitor
			payload-unregister monitor x y
			payload-unregister nope x
			payload-unregister monitor zzz
			payload-register kvm vm v1 --format
			payload-register kvm vm v1 label
		`},
		{name: "payloads of a hook that fails", exit: 1, calls: `payload-register docker monitor kept`},
		{name: "pod specs", change: kubernetes, calls: strings.ReplaceAll(`
			pod-spec-get
			pod-spec-get x
			k8s-spec-get
			k8s-raw-get
			k8s-raw-get x
			pod-spec-set <<< ""
			pod-spec-set <<< "a"
			pod-spec-set <<< "- a"
			pod-spec-set <<< "{}"
			pod-spec-set <<< "# nothing"
			pod-spec-set <<< "version: 9"
			pod-spec-set <<< "version: 1\ncontainers: [{name: a, image: b}]"
			pod-spec-set <<< "version: x"
			pod-spec-set <<< "{"
			pod-spec-set <<< "version: 3"
			pod-spec-set <<< "version: 3\ncontainers: []"
			pod-spec-set <<< "version: 3\ncontainers: [{name: a}]"
			pod-spec-set <<< "version: 3\ncontainers: [{name: a, imageDetails: {}}]"
			pod-spec-set <<< "version: 3\ncontainers: [{image: a}]"
			pod-spec-set <<< "version: 3\ncontainers: [{name: a, image: b, bogus: 1}]"
			pod-spec-set <<< "version: 3\ncontainers: [{name: a, imageDetails: {imagePath: b}}]"
			pod-spec-set <<< "version: 2\ncontainers: [{name: a, image: b}]"
			k8s-spec-set <<< "containers: [{name: a, image: b}]"
			k8s-spec-set <<< "containers: [{name: a}]"
			k8s-spec-set x
			k8s-spec-set --file /nonexistent
			k8s-spec-set --k8s-resources /nonexistent <<< $SPEC
			pod-spec-set --file
			pod-spec-set --file /nonexistent
			pod-spec-set --k8s-resources /nonexistent <<< $SPEC
			k8s-raw-set <<< ""
			k8s-raw-set x
			k8s-raw-set --file /nonexistent
			pod-spec-set --file - <<< $SPEC
			pod-spec-get
		`, "$SPEC", podSpec)},
		{name: "a raw spec", change: func(s *modeltest.State) {
			kubernetes(s)
			s.PodSpec, s.RawPodSpec = "old", "oldraw"
		}, calls: `
			k8s-raw-get
			pod-spec-get
			k8s-spec-get
			k8s-raw-set <<< "raw"
			k8s-raw-set --file - <<< "{"
			k8s-raw-get
		`},
		{name: "specs of both sorts", change: kubernetes, calls: "k8s-raw-set <<< \"raw\"\npod-spec-set <<< " + podSpec + "\nopen-port 80"},
		{name: "specs of a hook that fails", change: kubernetes, exit: 1, calls: "k8s-raw-set <<< \"raw\""},
		{name: "specs in a machine model", calls: "k8s-raw-set <<< \"raw\"\npod-spec-set <<< " + podSpec},
		{name: "specs by a follower", change: func(s *modeltest.State) {
			kubernetes(s)
			follower(s)
		}, calls: "pod-spec-set <<< \"nonsense\"\nk8s-spec-set <<< \"\"\nk8s-raw-set <<< \"a\"\npod-spec-get"},
		{name: "metrics", event: modeltest.Event{Name: "collect-metrics"}, calls: `
			add-metric users=1
			add-metric users=2 bytes=2.5
			add-metric users=x
			add-metric users=-1
			add-metric users=1.5e3
			add-metric users=999999999999999999999999999999999999999999
			add-metric --labels a=b users=3
			add-metric --labels=a=b,c=d users=4
			add-metric -l a=b, users=5
			add-metric -l '' users=6
			add-metric -l a= users=3
			add-metric --labels a users=3
			add-metric -l a=b,a=c users=3
			add-metric users=1 users=2
			add-metric users
			add-metric users=
			add-metric =1
			add-metric
			add-metric juju-units=3
		`},
		{name: "metrics in another hook", calls: `
			add-metric users=1
			add-metric juju-units=3
			add-metric users
		`},
		{name: "collect-metrics", event: modeltest.Event{Name: "collect-metrics"}, calls: restrictedCalls},
		{name: "meter-status-changed", event: modeltest.Event{Name: "meter-status-changed"}, calls: restrictedCalls + "\nadd-metric users=1\nadd-metric users=x\nadd-metric juju-units=3"},
	}
}

// restrictedCalls has every tool, in a hook that is refused most of them.
var restrictedCalls = strings.NewReplacer("$OWN", own, "$SPEC", podSpec).Replace(`
	action-fail
	action-get
	action-log x
	action-set a=b
	application-version-set 1
	application-version-set
	close-port 80
	close-port x
	config-get
	config-get --bogus
	credential-get
	goal-state
	is-leader
	is-leader --format=json
	juju-log hi
	juju-log
	juju-reboot
	k8s-raw-get
	k8s-raw-set <<< "a"
	k8s-spec-get
	k8s-spec-set <<< $SPEC
	leader-get
	leader-set a=b
	network-get db
	network-get
	open-port 80
	opened-ports
	opened-ports --format=json
	opened-ports --endpoints --format=json
	payload-register docker monitor x
	payload-status-set monitor x running
	payload-unregister monitor x
	pod-spec-get
	pod-spec-set <<< $SPEC
	relation-get
	relation-get -r 1 - pg/0
	relation-ids db
	relation-ids
	relation-list
	relation-list -r 1
	relation-set -r 1 a=b
	resource-get app
	resource-get
	secret-add key=val
	secret-add
	secret-get $OWN
	secret-grant $OWN -r 1
	secret-grant
	secret-ids
	secret-info-get $OWN
	secret-remove $OWN
	secret-revoke $OWN --app pg
	secret-set $OWN key=val
	state-delete a
	state-get
	state-get a
	state-set a=b
	status-get
	status-get --include-data --format=json
	status-get --application
	status-set active
	status-set nope
	status-set --application active
	storage-add data
	storage-get
	storage-get -s data/0
	storage-list
	unit-get private-address
	unit-get public-address
	unit-get nope
`)

// stateOf is a call that sets n values as large as can be.
func stateOf(first, n int) string {
	var pairs []string
	for i := range n {
		pairs = append(pairs, "k"+strconv.Itoa(first+i)+": "+strings.Repeat("x", 64<<10))
	}
	return "state-set --file - <<< " + strconv.Quote(strings.Join(pairs, "\n"))
}
