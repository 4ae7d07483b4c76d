package modeltest_test

import (
	"slices"
	"strings"

	"github.com/starcharm/starcharm/model/modeltest"
)

// scenario is a hook or an action with calls of hook tools, each of which must
// give the same on the simulated Juju as on the genuine one.
type scenario struct {
	name   string
	change func(*modeltest.State) // of world()
	event  modeltest.Event        // default: update-status
	exit   int
	// calls are command lines, with the quotes of a shell, and after "<<<"
	// standard input as a Go string. "#" at a line's start comments it out.
	calls string
}

func (s scenario) lines() []string {
	var lines []string
	for line := range strings.SplitSeq(s.calls, "\n") {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			lines = append(lines, line)
		}
	}
	return lines
}

func follower(s *modeltest.State) { s.Leader = false }

// differences are the calls for which the simulated Juju is not as Juju 3.5.1
// is, with the reason. Their answers are not compared.
var differences = map[string]string{
	"config-get -o /nonexistent/x name": "the simulated Juju writes no files",
	"is-leader --help":                  "the simulated Juju has help texts of its own",
	"config-get -help":                  "the simulated Juju has help texts of its own",
	"resource-get app":                  "Juju's text tells of the download's transport",
	"resource-get nope":                 "Juju's text tells of the download's transport",
	`pod-spec-set <<< "version: 3\ncontainers: [{name: a, image: b, bogus: 1}]"`: "the simulated Juju knows but the most important fields of a spec",
}

func scenarios() []scenario {
	return slices.Concat(currentScenarios(), edgeScenarios(), legacyScenarios())
}

// currentScenarios are about what all versions of Juju have.
func currentScenarios() []scenario {
	changed := modeltest.Event{Name: "db-relation-changed", RelationID: number(1), RemoteUnit: number(0)}
	return []scenario{
		{name: "flags", calls: `
			config-get --bogus
			config-get -z
			config-get --format=xml
			config-get --format
			config-get --format=
			config-get -o
			config-get --all=maybe
			config-get -a=true
			config-get --=x
			config-get ---x
			config-get --f json
			config-get --a
			config-get -format=json
			config-get name --format json -o
			config-get -- name
			config-get -- --name
			config-get -
			config-get a b
			config-get a b c
			config-get -o /nonexistent/x name
			config-get -help
			relation-list -r1
			relation-list --r 1
			relation-get --ap -r 1
			is-leader help
			is-leader --help
			made-up
			relation-model-get -r 1
		`},
		{name: "config", calls: `
			config-get
			config-get --format=json
			config-get --format=yaml
			config-get --format=smart
			config-get -a
			config-get --all --format=json
			config-get --all name
			config-get name
			config-get name --format=json
			config-get port
			config-get port --format=json
			config-get ratio
			config-get debug
			config-get debug --format yaml
			config-get unset
			config-get unset --format json
			config-get nope
			config-get nope --format=json
			config-get ''
		`},
		{
			name: "config that is set",
			change: func(s *modeltest.State) {
				s.Config = map[string]any{"name": "x: y", "port": 1, "ratio": 2.5, "debug": true, "unset": "now set", "token": theirs}
			},
			calls: `
				config-get
				config-get --format=json
				config-get name
				config-get name --format=yaml
				config-get debug
				config-get unset
				config-get token
				config-get token --format=json
			`,
		},
		{
			name:   "config with an empty string and a whole float",
			change: func(s *modeltest.State) { s.Config = map[string]any{"unset": "", "ratio": 3.0} },
			calls: `
				config-get --format=json
				config-get
				config-get unset --format=json
				config-get ratio
			`,
		},
		{name: "leader", calls: `
			is-leader
			is-leader --format=json
			is-leader --format yaml
			is-leader --format=smart
			is-leader extra
		`},
		{name: "follower", change: follower, calls: `
			is-leader
			is-leader --format=json
			relation-get -r 1 --app - web-app
			relation-get -r 2 --app - web-app
			relation-get -r 1 --app - pg
			relation-set -r 1 --app a=b
			relation-set -r 2 --app a=b
			relation-set -r 1 --app
			relation-set -r 1 u=1
			status-get --application
			status-get --application --include-data --format=json
			status-set --application=true active
			status-set active u
		`},
		{name: "relations", calls: `
			relation-ids db
			relation-ids db --format=json
			relation-ids db --format=yaml
			relation-ids website --format=json
			relation-ids
			relation-ids ''
			relation-ids nope
			relation-ids nope --format=json
			relation-ids nope --format=yaml
			relation-ids db x
			relation-list
			relation-list -r 1
			relation-list -r db:1
			relation-list -r wrong:1
			relation-list -r a:b:1
			relation-list --format=json -r 1
			relation-list --format=json -r 10
			relation-list -r 3
			relation-list -r 3 --format=json
			relation-list -r 99
			relation-list -r db:99
			relation-list -r abc
			relation-list -r db:
			relation-list -r ''
			relation-list -r -1
			relation-list -r
			relation-list -r 1 x
			relation-list --relation=1
			relation-list --app -r 1
			relation-list --app -r 2 --format=json
			relation-list --app -r db:1 --format=json
			relation-list -r 2
		`},
		{name: "databags outside a relation hook", calls: `
			relation-get
			relation-get -r 1
			relation-get -r 1 -
			relation-get -r 1 --app
			relation-get -r 1 - pg/0
			relation-get -r 1 a pg/0
			relation-get -r 1 a pg/0 --format=json
			relation-get -r 1 nope pg/0 --format=json
			relation-get -r 1 - pg/1
			relation-get -r 1 - pg/1 --format=json
			relation-get -r 1 - pg/77
			relation-get -r 10 - lb/3
			relation-get -r 2 - web-app/7
			relation-get -r 1 - pg2/0
			relation-get -r 1 - web-app/0
			relation-get -r 1 --app - web-app
			relation-get -r 1 --app - pg
			relation-get -r 1 --app - pg/0
			relation-get -r 1 --app endpoints pg --format=json
			relation-get -r 1 --app - nope
			relation-get -r 1 --app - bogus!
			relation-get -r 1 - pg
			relation-get -r 1 - bogus!
			relation-get -r 1 - web-app
			relation-get -r 1 - nope/0
			relation-get -r 1 a pg/0 extra
			relation-get -r 2 - web-app/1
			relation-get -r 2 - web-app/0 --format=yaml
			relation-get -r 2 --app - web-app
			relation-get -r 3 --app - pg2 --format=json
			relation-get -r 99 - x/0
			relation-get -r 1 '' pg/0 --format=json
		`},
		{name: "databags in a relation hook", event: changed, calls: `
			relation-ids
			relation-ids --format=json
			relation-list
			relation-get
			relation-get --format=json
			relation-get a
			relation-get a pg/1
			relation-get - pg/1
			relation-get --app
			relation-get --app --format=json - pg
			relation-get --format=json --app endpoints
			relation-get - web-app/0
			relation-get --app - web-app
			relation-get --format=json nope
			relation-get -r 3
			relation-get -r 2
			relation-get --format=smart - pg/0
			relation-set here=1
			relation-get here web-app/0
			juju-log hello
			secret-grant ` + own + `
			secret-revoke ` + own + `
		`},
		{name: "relation-changed by the application", event: modeltest.Event{Name: "db-relation-changed", RelationID: number(1)}, calls: `
			relation-get
			relation-get endpoints
			relation-get --app
			relation-get -r 2 --format=json
		`},
		{name: "relation-created", event: modeltest.Event{Name: "db-relation-created", RelationID: number(1)}, calls: `
			relation-get --format=json
			relation-list --format=json
		`},
		{name: "relation-departed", event: modeltest.Event{Name: "db-relation-departed", RelationID: number(1), RemoteUnit: number(0)}, calls: `
			relation-ids db
			relation-list
			relation-list -r 1
			relation-list -r 2
			relation-get --format=json
			relation-get --format=json - pg/1
			relation-get --app --format=json
		`},
		{name: "a peer departed", event: modeltest.Event{Name: "cluster-relation-departed", RemoteUnit: number(1)}, calls: `
			relation-list
			relation-get --format=json
			relation-get --app - web-app
		`},
		{name: "relation-broken", event: modeltest.Event{Name: "db-relation-broken", RelationID: number(1)}, calls: `
			relation-ids db
			relation-get --format=json
			relation-get --format=json - web-app/0
			relation-set x=y
		`},
		{name: "databag writes", calls: `
			relation-set a=b
			relation-set -r 1 a=b
			relation-get -r 1 - web-app/0
			relation-set -r 1 a=
			relation-get -r 1 - web-app/0
			relation-set -r 1 --app mine=2 new=3
			relation-get -r 1 --app - web-app
			relation-get -r 1 --app mine web-app
			relation-set -r db:1 --file - <<< "{\"j\": \"1\", \"z\": \"\"}"
			relation-set -r db:1 --file - k=over <<< "k: yaml\nl: 'x'\n"
			relation-set -r 1 --file - <<< "k: 1\nb: true\nn: null\nf: 1.5"
			relation-get -r 1 - web-app/0 --format=json
			relation-set -r 1 --file - <<< ""
			relation-set -r 1 --file - <<< "null"
			relation-set -r 1 --file - <<< "~"
			relation-set -r 1 --file - <<< "--- \n...\n"
			relation-set -r 1 --file - <<< "a: 1\n---\nb: 2"
			relation-set -r 1 --file - <<< "1: x\ntrue: y\nyes: no"
			relation-set -r 1 --file - <<< "a: 1\na: 2"
			relation-set -r 1 --file - <<< "d: &x 1\ne: *x"
			relation-set -r 1 --file - <<< "bin: !!binary aGk="
			relation-set -r 1 --file - <<< "snow: \"\\u2603\"\nmulti: |\n  a\n  b\nq: 'it''s'"
			relation-get -r 1 - web-app/0 --format=json
			relation-get -r 1 - web-app/0
			relation-set -r 1 noeq
			relation-set -r 1 =x
			relation-set -r 1 a=b a=c
			relation-set -r 1 a=b a=
			relation-set -r 99 a=b
			relation-set -r 1
			relation-set -r 1 --format json a=c
			relation-set -r 1 a==b
			relation-set -r 1 'a=b c'
			relation-set -r 1 -- a=d
			relation-set -r 2 --app seed=t
			relation-get -r 2 --app - web-app
			relation-set -r 1 --file /nonexistent
			relation-set -r 1 k.with-odd/chars='<&> ☃'
			relation-get -r 1 - web-app/0 --format=json
		`},
		{name: "databag files that are wrong", calls: `
			relation-set -r 1 --file - <<< "- a"
			relation-set -r 1 --file - <<< "abc"
			relation-set -r 1 --file - <<< "5"
			relation-set -r 1 --file - <<< "a long text that goes on"
			relation-set -r 1 --file - <<< "{a: {b: c}}"
			relation-set -r 1 --file - <<< "a: [1, 2]\nb: {c: d}"
			relation-set -r 1 --file - <<< "? [a]\n: b"
			relation-set -r 1 --file - <<< "{\"e\": \"\\ud83d\\ude00\"}"
			relation-set -r 1 --file - <<< "a: b: c"
			relation-set -r 1 --file - <<< "a:\n\t- b"
			relation-set -r 1 --file - <<< "%"
			relation-get -r 1 - web-app/0 --format=json
		`},
		{name: "writes of a hook that fails", exit: 1, calls: `
			relation-set -r 1 a=b
			relation-set -r 1 --app a=b
			open-port 80
			state-set k=v
			storage-add cache=2
			secret-add key=val
			secret-set ` + own + ` key=other
			status-set blocked 'it stays'
			application-version-set 1.0
			juju-log kept
		`},
		{name: "status", calls: `
			status-get
			status-get --format=json
			status-get --format=yaml
			status-get --include-data
			status-get --include-data --format=json --application=false
			status-get --application
			status-get --application --format=json
			status-get --application --include-data --format=json
			status-get --include-data --format=json --application=true
			status-get --application --include-data
			status-get x
			status-set active
			status-get
			status-set active 'msg here'
			status-get --include-data --format=json
			status-set blocked -- '-m x'
			status-set error x
			status-set unknown
			status-set
			status-set active a b
			status-set --application=True waiting -- app
			status-get --application --include-data --format=json
			status-get --application
			status-set --application=False active -- ''
			status-set --application=maybe active
			status-set Active
			status-set idle
			status-set maintenance 'unïcode ☃'
			status-set --application active x
			status-set -- active
			application-version-set -- 1.2
			application-version-set 1 2
			application-version-set
			application-version-set ''
			application-version-set v3
		`},
		{name: "status that was not read before", calls: `
			status-set active first
			status-get --include-data --format=json
			status-set blocked second
			status-get
		`},
		{name: "log", calls: `
			juju-log hello
			juju-log -l DEBUG a b
			juju-log --log-level ERROR -- '-x y'
			juju-log --debug d
			juju-log -l nope m
			juju-log
			juju-log ''
			juju-log -l trace t
			juju-log -l warning t
			juju-log -l WARN t
			juju-log -l CRITICAL 'a b'
			juju-log --format json x
			juju-log -l '' x
			juju-log -- -- x
		`},
		{name: "action", event: modeltest.Event{Name: "backup", Action: true, Params: map[string]any{"level": 3, "to": "s3", "opts": map[string]any{"deep": true}}}, calls: `
			action-get
			action-get --format=json
			action-get level
			action-get opts.deep
			action-get opts --format=json
			action-get nope
			action-get nope --format=json
			action-get level.x
			action-get a b
			action-get to --format=json
			action-set a=1 b.c=2 b.d=3
			action-set a=2
			action-set Bad=1
			action-set a_b=1
			action-set stdout=1
			action-set stderr.x=1
			action-set x.stdout=1
			action-set stdout-encoding=1
			action-set return-code=5
			action-set x
			action-set =x
			action-set a.b=1
			action-set a.c=3
			action-set
			action-set x=
			action-set -x=1
			action-set a..b=1
			action-set 1a=2
			action-set a.=1
			action-set .a=1
			action-set eq=a=b
			action-log hi there
			action-log
			action-log -- -m
			action-log ''
			action-fail oops
			action-fail again
			action-set after=1
		`},
		{name: "action that fails without a reason", event: modeltest.Event{Name: "noop", Action: true}, calls: `
			action-get
			action-get --format=json
			action-get x
			action-fail
			action-set a=b
		`},
		{name: "action that fails with an empty reason", event: modeltest.Event{Name: "noop", Action: true}, calls: `action-fail ''`},
		{name: "action-fail with too much", event: modeltest.Event{Name: "noop", Action: true}, calls: `action-fail a b`},
		{name: "action that exits 1", event: modeltest.Event{Name: "noop", Action: true}, exit: 1, calls: `
			action-log x
			action-set k=v
			action-fail m
			relation-set -r 1 lost=1
		`},
		{name: "action tools in a hook", calls: `
			action-get
			action-get x --format=json
			action-set a=b
			action-set Bad=b
			action-log x
			action-fail x
			action-fail
		`},
		{name: "ports", calls: `
			opened-ports
			opened-ports --format=json
			opened-ports --format=yaml
			open-port 80
			open-port 80/tcp
			open-port 8000-8010/udp
			open-port icmp
			open-port ICMP
			open-port 53/UDP
			opened-ports
			opened-ports --format=json
			opened-ports --endpoints
			opened-ports --endpoints --format=json
			close-port 80
			opened-ports
			open-port
			open-port 0
			open-port 65535
			open-port 65536
			open-port x
			open-port 80/sctp
			open-port 90-80
			open-port 80 81
			open-port --endpoints db,website 90
			opened-ports --endpoints --format=json
			open-port --endpoints nope 90
			close-port 12345
			close-port --endpoints db 90
			opened-ports --endpoints
			open-port 80/icmp
			open-port icmp/80
			open-port 8005-8020/udp
			close-port 8005-8020/udp
			open-port --format json 99
			open-port -80
			opened-ports x
			open-port 80-
			open-port /tcp
			open-port 1-2-3
			open-port ''
			open-port 80/
			close-port
			close-port y
			open-port --endpoints 80
		`},
		{
			name: "ports that are open already",
			change: func(s *modeltest.State) {
				s.OpenedPorts = []modeltest.Port{{Port: 90, ToPort: 100}, {Port: 200, Endpoint: "db"}, {Protocol: "icmp"}}
			},
			calls: `
				opened-ports
				opened-ports --endpoints --format=json
				open-port 95
				open-port 90-101
				open-port 90-100
				open-port 200
				opened-ports --endpoints
				close-port --endpoints db 90-100
				close-port 95
				open-port --endpoints db 90-100
				opened-ports --endpoints
				close-port icmp
				close-port 200
				opened-ports --endpoints
			`,
		},
		{name: "charm state", calls: `
			state-get
			state-get --format=json
			state-get k
			state-get --format=json k
			state-set a=1 b='x y'
			state-get
			state-get --format=json
			state-get a
			state-get --format=json a
			state-get nope
			state-get --format=json nope
			state-get -
			state-set a=
			state-get
			state-delete a
			state-get --format=json
			state-delete nope
			state-delete
			state-delete a b
			state-set
			state-set --file - <<< "{\"x\": \"1\", \"m\": \"a\\nb\"}"
			state-get x
			state-get m
			state-get --format=yaml
			state-set --file - <<< "y: 5\nz: {a: 1}"
			state-set --file - k=v <<< "q: r"
			state-set --file - <<< "- a"
			state-get
			state-set noeq
			state-get a b
			state-get --strict nope
			state-get --strict x
			state-set --file - x=3 <<< "x: 5"
			state-get x
		`},
		{
			name:   "charm state that is there",
			change: func(s *modeltest.State) { s.Stored = map[string]string{"k": "v", "l": "w"} },
			calls: `
				state-get k
				state-set k=2
				state-get k
				state-delete k
				state-get --format=json
			`,
		},
		{name: "charm state that is large", calls: "state-set k=" + strings.Repeat("x", 64<<10) + "\nstate-set k=" + strings.Repeat("x", 64<<10+1) +
			"\nstate-set " + strings.Repeat("k", 256) + "=v\nstate-set " + strings.Repeat("k", 257) + "=v\nstate-get --format=json"},
		{name: "charm state that is too large as a whole", calls: stateOf(0, 16) + "\n" + stateOf(16, 16) + "\nrelation-set -r 1 lost=1"},
		{name: "charm state that is as large as can be", calls: stateOf(0, 16) + "\n" + stateOf(16, 15) +
			"\nstate-set last=" + strings.Repeat("x", 2<<20-31*(64<<10)-5-10*(8+2)-21*(8+3)-(8+4))},
		{name: "charm state that is larger by one", calls: stateOf(0, 16) + "\n" + stateOf(16, 15) +
			"\nstate-set last=" + strings.Repeat("x", 2<<20-31*(64<<10)-5-10*(8+2)-21*(8+3)-(8+4)+1)},
		{name: "storage", calls: `
			storage-list
			storage-list --format=json
			storage-list cache
			storage-list cache --format=json
			storage-list nope
			storage-list nope --format=json
			storage-list ''
			storage-list a b
			storage-get -s data/0
			storage-get -s data/0 --format=json
			storage-get -s data/0 location
			storage-get -s data/0 kind
			storage-get -s data/0 --format=json location
			storage-get -s data/0 nope
			storage-get -s data/9
			storage-get -s bad
			storage-get
			storage-get data/0
			storage-get -s disk/3 --format=json
			storage-get -s data/0 location x
			storage-add cache
			storage-add cache=2
			storage-add cache=x
			storage-add
			storage-add cache=0
			storage-add cache=-1
			storage-add cache=1 cache=2
			storage-add cache=1 disk=1
			storage-add cache=1G
			storage-add cache=1G,2
			storage-add cache=lxd
			storage-add =1
			storage-add cache=
			storage-add cache==
		`},
		{name: "storage that the charm does not have", calls: "storage-add nope=1\nrelation-set -r 1 lost=1"},
		{name: "storage hook", event: modeltest.Event{Name: "data-storage-attached"}, calls: `
			storage-get
			storage-get location
			storage-get -s disk/3 kind
		`},
		{name: "network", calls: `
			network-get
			network-get ''
			network-get db
			network-get db --format=json
			network-get db --primary-address
			network-get db --ingress-address
			network-get db --bind-address
			network-get db --egress-subnets
			network-get db --egress-subnets --format=json
			network-get db --ingress-address --format=json
			network-get db --ingress-address --bind-address
			network-get db --ingress-address --bind-address --egress-subnets --format=json
			network-get db --primary-address --ingress-address
			network-get -r 1 db --format=json
			network-get -r db:1 db --primary-address
			network-get --relation 1 db --bind-address
			network-get -r 99 db
			network-get nope
			network-get nope --bind-address
			network-get db x
			network-get website --format=json
		`},
		{name: "unit", calls: `
			unit-get private-address
			unit-get public-address
			unit-get private-address --format=json
			unit-get
			unit-get nope
			unit-get a b
			unit-get private-address x
			goal-state
			goal-state --format=json
			goal-state x
			resource-get
			resource-get a b
			resource-get app
			resource-get nope
			resource-get app --format=json
			add-metric a=1
			add-metric a
			credential-get
			credential-get --format=json
			juju-reboot --bogus
			juju-reboot x
		`},
		{
			name: "credential",
			change: func(s *modeltest.State) {
				s.Model.CloudSpec = &modeltest.CloudSpec{
					Type: "lxd", Name: "localhost", Region: "r", Endpoint: "https://e", CACertificates: []string{"x"},
					Credential: &modeltest.CloudCredential{AuthType: "certificate", Attributes: map[string]string{"client-cert": "c"}},
				}
			},
			calls: `
				credential-get
				credential-get --format=json
			`,
		},
		{name: "reboot in an action", event: modeltest.Event{Name: "noop", Action: true}, calls: "juju-reboot"},
		{name: "secrets", calls: strings.NewReplacer("$THEIRS_FULL", theirsFull, "$THEIRS", theirs, "$OWN_UNIT", ownUnit, "$OWN", own, "$NONE", noSecret).Replace(`
			secret-get $THEIRS
			secret-get $THEIRS --format=json
			secret-get $THEIRS user
			secret-get $THEIRS user --format=json
			secret-get $THEIRS nope
			secret-get $THEIRS user#base64
			secret-get $THEIRS --peek --format=json
			secret-get $THEIRS --format=json
			secret-get $THEIRS --refresh --format=json
			secret-get $THEIRS --format=json
			secret-get --label mylabel --format=json
			secret-get --label unknown
			secret-get
			secret-get $THEIRS --peek --refresh
			secret-get $NONE
			secret-get notanid
			secret-get 9m4e2mr0ui3e8a215n4g --format=json
			secret-get $THEIRS_FULL --format=json
			secret-get $THEIRS --label newlabel
			secret-get --label newlabel
			secret-get --label mylabel
			secret-get $OWN
			secret-get --label own
			secret-get $OWN_UNIT
			secret-get $THEIRS user extra
			secret-get ''
			secret-ids
			secret-ids --format=json
			secret-ids x
			secret-info-get $OWN
			secret-info-get $OWN --format=json
			secret-info-get --label own --format=json
			secret-info-get $OWN_UNIT --format=json
			secret-info-get $THEIRS
			secret-info-get --label mylabel
			secret-info-get
			secret-info-get $OWN --label own
			secret-info-get $NONE
			secret-info-get bad
		`)},
		{name: "a secret of one's own gets a label", calls: "secret-get " + own + " --label own2\nsecret-get --label own2"},
		{name: "secret-add", calls: `
			secret-add key=val
			secret-add --label l1 --description d --owner unit abc=1 --expire 2030-01-01T00:00:00Z
			secret-add
			secret-add Bad=1
			secret-add ab=1
			secret-add a-b=1
			secret-add a-bc=1
			secret-add a_b=1
			secret-add 1ab=1
			secret-add abc-=1
			secret-add a--bc=1
			secret-add key
			secret-add key=
			secret-add =v
			secret-add --rotate often key=v
			secret-add --expire soon key=v
			secret-add --expire -1h key=v
			secret-add --expire 2030-01-01 key=v
			secret-add --owner me key=v
			secret-add --label l1 --owner unit key=v
			secret-add key#base64=dmFs
			secret-add key#file=/nonexistent
			secret-add key=v key=w
			secret-info-get --label l1 --format=json
			secret-info-get --label l1
			secret-get --label l1 --format=json
			secret-add abc1=x --label ''
			secret-add --expire 2030-01-01T01:02:03 --label later key=v --rotate never
			secret-info-get --label later --format=json
		`},
		{name: "the size of secrets", calls: strings.NewReplacer("$FULL", strings.Repeat("x", 8192), "$LARGE", strings.Repeat("x", 8193)).Replace(`
			secret-add key=$FULL
			secret-add key=$LARGE
			secret-add keya=$FULL keyb=$FULL keyc=$FULL keyd=$FULL keye=$FULL keyf=$FULL keyg=$FULL keyh=$FULL
			secret-add keya=$FULL keyb=$FULL keyc=$FULL keyd=$FULL keye=$FULL keyf=$FULL keyg=$FULL keyh=$FULL more=x
			secret-set ` + own + ` key=$LARGE
		`)},
		{name: "line breaks that only YAML knows", calls: `
			relation-set -r 1 --file - <<< "{\"nel\": \"a\u0085b\", \"ls\": \"a\u2028b\"}"
			relation-set -r 1 --file - <<< "{\"esc\": \"a\\u0085b\", \"esc2\": \"a\\u2028b\"}"
			relation-get -r 1 - web-app/0 --format=json
		`},
		{name: "databags that become empty", calls: `
			relation-set --app -r 1 mine=
			relation-get -r 1 --app mine web-app --format=json
			relation-get -r 1 --app - web-app --format=json
			relation-get -r 3 - web-app/0
			relation-get -r 3 - web-app/0 --format=json
			relation-get -r 3 --app - web-app
			relation-set -r 1 Key.Odd=1 'sp ace=1'
		`},
		{name: "ports that are closed and opened again", change: func(s *modeltest.State) {
			s.OpenedPorts = []modeltest.Port{{Port: 90, ToPort: 100}}
		}, calls: `
			close-port 90-100
			open-port 95
			opened-ports
			close-port 95
			open-port 90-100
			open-port 300-310
			close-port 300-310
			open-port 305
			opened-ports
			close-port 12345
			close-port 12340-12350
			open-port 12344-12346
			open-port 305-306
			close-port 305-306
			close-port 90-91
		`},
		{name: "a label that is taken", calls: "secret-add --label own key=v\nrelation-set -r 1 lost=1"},
		{name: "the same label of another owner", calls: "secret-add --label own key=v --owner unit"},
		{name: "secret-set", calls: strings.NewReplacer("$OWN", own, "$NONE", noSecret).Replace(`
			secret-set $OWN key=new
			secret-get $OWN --format=json
			secret-get $OWN --peek --format=json
			secret-get $OWN --refresh --format=json
			secret-info-get $OWN --format=json
			secret-set
			secret-set bad key=b
			secret-set $OWN --owner me k=v
			secret-set $OWN --rotate often
			secret-set $OWN Key=v
		`)},
		{name: "secret-set of the same content", calls: "secret-set " + own + " key=val"},
		{name: "secret-set twice: the last wins", calls: strings.ReplaceAll(`
			secret-set $OWN --label x --description e --rotate never --owner application
			secret-info-get $OWN --format=json
			secret-set $OWN key=2
			secret-info-get $OWN --format=json
			secret-get $OWN --peek
		`, "$OWN", own)},
		{name: "secret-set of nothing", calls: strings.ReplaceAll(`
			secret-set $OWN --label ''
			secret-set $OWN
			secret-set $OWN --label l --rotate ''
			secret-info-get $OWN
		`, "$OWN", own)},
		{name: "secret-set of a unit's secret", calls: "secret-set " + ownUnit + " key=valu --owner application --expire 2030-01-01T01:02:03Z"},
		{name: "secret-set of another's secret", calls: "secret-set " + theirs + " key=b\nopen-port 80"},
		{name: "secret-set to a label that is taken", calls: "secret-add --label q --owner unit key=v\nsecret-set " + ownUnit + " --label q"},
		{name: "secret-grant", calls: strings.NewReplacer("$OWN", own, "$THEIRS", theirs).Replace(`
			secret-grant $OWN --relation 10
			secret-info-get $OWN --format=json
			secret-grant $OWN
			secret-grant --relation 1
			secret-grant $OWN --relation 99
			secret-grant $OWN -r abc
			secret-grant $THEIRS --relation 1
			secret-grant $OWN --relation 1 --unit other/0
			secret-grant $OWN --relation 1 x
			secret-grant bad --relation 1
		`)},
		{name: "secret-grant to a unit", calls: "secret-grant " + ownUnit + " -r db:1 --unit pg/0"},
		{name: "secret-revoke", calls: "secret-revoke " + own + " --relation 1"},
		{name: "secret-revoke from an application", calls: "secret-revoke " + own + " --app pg"},
		{name: "secret-revoke mistakes", calls: strings.ReplaceAll(`
			secret-revoke $OWN
			secret-revoke $OWN --app pg --unit pg/0
			secret-revoke
			secret-revoke $OWN --relation 99
			secret-revoke $OWN --relation 1 --app pg
			secret-revoke $OWN --relation 1 x
			secret-revoke bad --relation 1
		`, "$OWN", own)},
		{name: "secret-revoke of another's secret", calls: "secret-revoke " + theirs + " --relation 1"},
		{name: "secret-remove", calls: strings.ReplaceAll(`
			secret-remove $OWN
			secret-ids
			secret-get $OWN
			secret-info-get $OWN
			secret-remove
			secret-remove bad
			secret-remove $OWN --revision x
			secret-remove $OWN x
		`, "$OWN", own)},
		{name: "secret-remove of the only revision", calls: "secret-remove " + ownUnit + " --revision 3"},
		{name: "secret-remove of a revision that is not there", calls: "secret-remove " + ownUnit + " --revision 7"},
		{name: "secret-remove of another's secret", calls: "secret-remove " + theirs},
		{name: "secret-remove of an older revision", change: twoRevisions, calls: "secret-get " + own + "\nsecret-get --peek " + own + "\nsecret-remove " + own + " --revision 1"},
		{name: "secret-remove of a revision hides the secret", change: twoRevisions, calls: strings.ReplaceAll(`
			secret-remove $OWN --revision 1
			secret-info-get $OWN
			secret-info-get --label own
			secret-ids
			secret-grant $OWN --relation 1
			secret-get --peek $OWN --format=json
		`, "$OWN", own)},
		{name: "secret-remove of a revision forgets what was set", change: twoRevisions, calls: strings.ReplaceAll(`
			secret-set $OWN key=new
			secret-grant $OWN --relation 1
			secret-revoke $OWN --app lb
			secret-remove $OWN --revision 1
			secret-get --peek $OWN --format=json
		`, "$OWN", own)},
		{name: "secret-set forgets the revision to remove", change: twoRevisions, calls: strings.ReplaceAll(`
			secret-remove $OWN --revision 1
			secret-set $OWN --description new
			secret-info-get $OWN --format=json
		`, "$OWN", own)},
		{name: "secret-remove of two revisions", change: twoRevisions, calls: strings.ReplaceAll(`
			secret-remove $OWN
			secret-remove $OWN --revision 2
			secret-remove $OWN --revision 1
		`, "$OWN", own)},
		{name: "secret-grant after secret-revoke", calls: strings.ReplaceAll(`
			secret-grant $OWN --relation 1
			secret-revoke $OWN --relation 1
			secret-info-get $OWN --format=json
			secret-grant $OWN --relation 1
			secret-info-get $OWN --format=json
		`, "$OWN", own)},
		{name: "secret-grant to a unit and its application", calls: strings.ReplaceAll(`
			secret-grant $OWN --relation 1 --unit pg/0
			secret-grant $OWN --relation 1 --unit pg/0
			secret-grant $OWN --relation 1
			secret-info-get $OWN --format=json
			secret-grant $OWN --relation 10
			secret-grant $OWN --relation 10 --unit lb/0
		`, "$OWN", own)},
		{name: "secret-grant to two units", calls: strings.ReplaceAll(`
			secret-grant $OWN --relation 1 --unit pg/0
			secret-grant $OWN --relation 1 --unit pg/1
			secret-info-get $OWN --format=json
		`, "$OWN", own)},
		{name: "secret-add of a label that the hook used for another owner", calls: `
			secret-add --label q key=val
			secret-add --label q --owner unit key=val
		`},
		{name: "secret-get with a label of a changed secret", change: twoRevisions, calls: strings.ReplaceAll(`
			secret-set $OWN key=new
			secret-get --label own --peek --format=json
			secret-get $OWN --refresh --format=json
			secret-get $OWN --format=json
		`, "$OWN", own)},
		{name: "secrets of a follower", change: follower, calls: strings.NewReplacer("$OWN_UNIT", ownUnit, "$OWN", own).Replace(`
			secret-add key=val
			secret-add --owner application key=val
			secret-add --owner unit key=val
			secret-get $OWN --format=json
			secret-get --label own
			secret-info-get $OWN
			secret-info-get $OWN_UNIT --format=json
			secret-grant $OWN --relation 1
			secret-ids --format=json
			secret-get $OWN_UNIT --format=json
		`)},
		{name: "secret-set by a follower", change: follower, calls: "secret-set " + own + " key=2"},
		{name: "secret-remove by a follower", change: follower, calls: "secret-remove " + own},
		{name: "secret-revoke by a follower", change: follower, calls: "secret-revoke " + own + " --relation 1"},
	}
}

// twoRevisions gives the unit an older revision of its application's secret.
func twoRevisions(s *modeltest.State) {
	s.Secrets[1].TrackedContent = map[string]string{"key": "old"}
	s.Secrets[1].TrackedRevision, s.Secrets[1].LatestRevision = 1, 2
}
