package model

import (
	"errors"
	"strings"
)

// CloudSpec is what it takes to talk to the cloud that the model runs on.
type CloudSpec struct {
	Type              string // "lxd", "openstack", "kubernetes"
	Name              string
	Region            string
	Endpoint          string
	IdentityEndpoint  string
	StorageEndpoint   string
	Credential        *CloudCredential // nil: none
	CACertificates    []string         // PEM
	SkipTLSVerify     bool
	IsControllerCloud bool
}

// CloudCredential is how to authenticate with a cloud.
type CloudCredential struct {
	AuthType   string // "certificate", "userpass"
	Attributes map[string]string
	Redacted   []string // the attributes that Juju left out
}

// CloudSpec returns how to talk to the model's cloud. Juju denies it unless
// the application is trusted (juju trust). The credential's attributes are
// masked from then on, as secrets are.
func (m *Model) CloudSpec() (*CloudSpec, error) {
	if m.cloudSpec != nil {
		return m.cloudSpec, nil
	}
	answer, err := m.run("credential-get", nil, "--format=json")
	if err != nil {
		return nil, m.noCloudSpec(err)
	}
	found, err := decode[struct {
		Type             string `json:"type"`
		Name             string `json:"name"`
		Region           string `json:"region"`
		Endpoint         string `json:"endpoint"`
		IdentityEndpoint string `json:"identity-endpoint"`
		StorageEndpoint  string `json:"storage-endpoint"`
		Credential       *struct {
			AuthType   string            `json:"auth-type"`
			Attributes map[string]string `json:"attrs"`
			Redacted   []string          `json:"redacted"`
		} `json:"credential"`
		CACertificates    []string `json:"cacertificates"`
		SkipTLSVerify     bool     `json:"skip-tls-verify"`
		IsControllerCloud bool     `json:"is-controller-cloud"`
	}]("credential-get", answer)
	if err == nil && found.Type == "" {
		err = nonsense("credential-get", errors.New("there is no type of cloud in it"))
	}
	if err != nil {
		return nil, err
	}
	spec := &CloudSpec{
		Type: found.Type, Name: found.Name, Region: found.Region,
		Endpoint: found.Endpoint, IdentityEndpoint: found.IdentityEndpoint, StorageEndpoint: found.StorageEndpoint,
		CACertificates: found.CACertificates, SkipTLSVerify: found.SkipTLSVerify, IsControllerCloud: found.IsControllerCloud,
	}
	if c := found.Credential; c != nil {
		spec.Credential = &CloudCredential{AuthType: c.AuthType, Attributes: c.Attributes, Redacted: c.Redacted}
		m.hide(c.Attributes)
	}
	m.cloudSpec = spec
	return spec, nil
}

// noCloudSpec says what to do about Juju's refusal.
func (m *Model) noCloudSpec(err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Code == 0 {
		return err
	}
	why := *e
	stderr := strings.ToLower(e.Stderr)
	switch {
	case strings.Contains(stderr, "not supported"):
		why.Kind = VersionError
		why.Message = m.lacking("credential-get on Kubernetes", credentialsOnKubernetes)
		if why.Message == "" {
			return err
		}
	case strings.Contains(stderr, "denied"):
		why.Message += "; it is for applications that are trusted: juju trust " + m.cfg.Context.AppName
	default:
		return err
	}
	return &why
}
