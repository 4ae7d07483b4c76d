package modeltest_test

import (
	"strings"

	"github.com/starcharm/starcharm/model/modeltest"
)

// edgeScenarios are calls at the edges of what a tool takes.
func edgeScenarios() []scenario {
	bare := func(s *modeltest.State) {
		s.Networks = []*modeltest.Network{
			{Binding: "db", BindAddresses: []modeltest.BindAddress{}, IngressAddresses: []string{"192.0.2.7"}, EgressSubnets: []string{"192.0.2.0/24"}},
			{Binding: "website", IngressAddresses: []string{}, EgressSubnets: []string{}, BindAddresses: []modeltest.BindAddress{
				{InterfaceName: "eth0", MACAddress: "m0", Addresses: []modeltest.Address{{Value: "10.0.0.1"}}},
				{InterfaceName: "eth1", MACAddress: "m1", Addresses: []modeltest.Address{{Value: "10.0.0.2", Hostname: "h", CIDR: "10.0.0.0/8"}}},
			}},
		}
	}
	return []scenario{
		{name: "relations by the long flag", calls: `
			relation-get --relation 1 - pg/0
			relation-get --relation=db:1 a pg/0
			relation-get --relation 99 a pg/0
			relation-get --relation abc a pg/0
			relation-get --relation
			relation-set --relation 1 a=b
			relation-set --relation=db:1 a=c
			relation-set --relation 99 a=b
			relation-set --relation abc a=b
			relation-set -r
			relation-list --relation db:1 --app
			relation-list --relation 99
			network-get --relation=99 db
			network-get --relation db:1 db --ingress-address
		`},
		{name: "formats", calls: `
			relation-get --format=yaml -r 1 - pg/0
			relation-get --format=smart -r 1 - pg/0
			relation-get --format=json -r 1 - pg/0
			relation-get --format=json -r 1 a pg/0
			relation-get --format=yaml -r 1 a pg/0
			relation-get --format=yaml -r 1 nope pg/0
			relation-list --format=yaml -r 1
			relation-list --format=smart -r 1
			relation-list --format=yaml --app -r 1
			relation-list --format=yaml -r 3
			relation-ids --format=smart website
			secret-get --format=yaml ` + own + `
			secret-get --format=smart ` + own + ` key
			secret-info-get --format=yaml ` + own + `
			secret-ids --format=yaml
			goal-state --format=yaml
			goal-state --format=smart
			storage-get --format=yaml -s data/0
			storage-get --format=smart -s data/0 kind
			storage-list --format=yaml
			storage-list --format=smart cache
			opened-ports --format=smart
			unit-get --format=yaml private-address
			unit-get --format=smart private-address
			status-get --format=smart --include-data
			status-get --format=yaml --include-data
			status-get --format=yaml --application
			status-get --format=smart --application
			state-get --format=yaml nope
			state-get --format=smart nope
			network-get --format=yaml db
			network-get --format=smart db --bind-address
			network-get --format=yaml db --egress-subnets
			relation-get --format=toml -r 1 - pg/0
			secret-info-get --format=smart ` + own + `
			credential-get --format=smart
			action-get --format=smart
			leader-get --format=yaml nope
			config-get --format=yaml nope
			state-get --format=
			is-leader --format=JSON
		`},
		{name: "formats in an action", event: modeltest.Event{Name: "backup", Action: true, Params: map[string]any{"level": 3, "to": "s3", "opts": map[string]any{"deep": true}}}, calls: `
			action-get --format=yaml
			action-get --format=smart
			action-get --format=yaml level
			action-get --format=toml
			action-get -
			action-get ''
		`},
		{name: "networks with gaps", change: bare, calls: `
			network-get db
			network-get db --format=json
			network-get db --ingress-address
			network-get db --bind-address
			network-get db --primary-address
			network-get db --egress-subnets
			network-get website
			network-get website --format=json
			network-get website --ingress-address
			network-get website --bind-address
			network-get website --primary-address
			network-get website --primary-address --format=json
			network-get website --egress-subnets
			network-get website --egress-subnets --format=json
			network-get website --egress-subnets --format=yaml
			network-get website --ingress-address --egress-subnets --format=json
			network-get website --ingress-address --egress-subnets --bind-address
			network-get website --ingress-address --egress-subnets --bind-address --format=json
		`},
		{name: "ports with deprecated flags", calls: `
			close-port --format json 99
			open-port --format=anything 99
			open-port --endpoints=db 100
			close-port --endpoints db,website 100
			close-port --endpoints nope 100
			open-port --endpoints '' 101
			opened-ports --endpoints
			open-port --endpoints db,db 102
			open-port --endpoints db, 103
		`},
		{name: "secrets from files", calls: strings.ReplaceAll(`
			secret-add --file /nonexistent
			secret-add --file
			secret-set $OWN --file /nonexistent
			secret-set $OWN --file
			secret-revoke $OWN -r 99
			secret-revoke $OWN -r abc
			secret-revoke $OWN -r
			secret-grant $OWN -r db:99
			secret-revoke $OWN --application
			secret-revoke $OWN --application pg --unit pg/0
		`, "$OWN", own)},
		{name: "flags as the module hooktool writes them", calls: strings.NewReplacer("$OWN", own, "$THEIRS", theirs).Replace(`
			juju-log --log-level=ERROR -- -bad
			status-set --application -- blocked -why
			open-port --endpoints=db,website 90-99/tcp
			secret-get --format=json --label=new --peek $THEIRS
			secret-info-get --format=json --label=own
			secret-add --label=added --description=d --expire=2030-01-01T00:00:00Z --rotate=daily --owner=unit password#file=/nonexistent
			secret-grant --relation=1 --unit=pg/0 $OWN
			secret-revoke --relation=1 --unit=pg/0 $OWN
			relation-get --format=json --app -r db:1 - pg
			relation-set --app -r 1 --file - <<< "{\"a\": \"b\"}\n"
			storage-get --format=json -s data/0
			network-get --format=json -r 1 db
		`)},
		{name: "secret-revoke by the short flag", calls: "secret-revoke " + own + " -r db:1"},
		{name: "secret-revoke from a unit", calls: "secret-grant " + ownUnit + " -r 1 --unit pg/0\nsecret-revoke " + ownUnit + " -r 1 --unit pg/0"},
		{
			name: "ports of pods", change: func(s *modeltest.State) { s.Model.Type = "kubernetes" }, calls: `
			open-port 8000-8010
			close-port 8000-8010/udp
			open-port 80
			opened-ports
		`},
		{
			name: "a range that is opened again", change: func(s *modeltest.State) { s.OpenedPorts = []modeltest.Port{{Port: 90, ToPort: 100}} }, calls: `
			open-port 90-100
			open-port 95
			close-port 90-100
			open-port 90-100
			close-port 95
			opened-ports
		`},
		{
			name: "a secret that is denied", change: func(s *modeltest.State) { s.Secrets[0].Denied = true }, calls: strings.NewReplacer("$THEIRS", theirs).Replace(`
			secret-get $THEIRS
			secret-get $THEIRS --refresh
			secret-get --label mylabel
			secret-get --label mylabel --peek
			secret-info-get $THEIRS
			secret-ids
		`)},
		{name: "changing a secret that is not there", calls: "secret-set " + noSecret + " --description d"},
		{name: "removing a secret that is not there", calls: "secret-remove " + noSecret},
		{name: "changing another's secret", calls: "secret-set " + theirs + " --description d"},
		{name: "a reboot after the hook", calls: "juju-reboot\nopen-port 80"},
		{name: "a reboot of a hook that fails", exit: 1, calls: "juju-reboot\nopen-port 80"},
		{name: "what Juju denies a follower", change: follower, calls: `
			status-get --application --format=json
			status-set --application active
			relation-set -r 1 --app a=b
			relation-set -r 2 --app a=b
			relation-get -r 1 --app - web-app
			secret-add --owner application key=val
			secret-grant ` + own + ` -r 1
			secret-revoke ` + own + ` -r 1
			leader-set a=b
			credential-get
		`},
	}
}
