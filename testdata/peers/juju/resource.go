package main

import (
	"io"
	"net/http"
	"path"
	"strings"

	charmresource "github.com/juju/charm/v12/resource"
	"github.com/juju/errors"

	"github.com/juju/juju/rpc/params"
)

// resourceCalls answers what resource-get asks before it downloads.
func (c *Controller) resourceCalls(calls map[string]facadeCall) {
	calls["ResourcesHookContext.GetResourceInfo"] = handle(func(args params.ListUnitResourcesArgs) (params.UnitResourcesResult, error) {
		var result params.UnitResourcesResult
		for _, name := range args.ResourceNames {
			info, err := c.resourceInfo(name)
			result.Resources = append(result.Resources, params.UnitResourceResult{
				ErrorResult: params.ErrorResult{Error: failed(err)}, Resource: info,
			})
		}
		return result, nil
	})
}

func (c *Controller) resourceInfo(name string) (params.Resource, error) {
	resource, ok := c.world.Resources[name]
	if !ok {
		return params.Resource{}, errors.NotFoundf("resource %q", name)
	}
	fingerprint, err := charmresource.GenerateFingerprint(strings.NewReader(resource.Content))
	if err != nil {
		return params.Resource{}, err
	}
	kind, filename := resource.Type, resource.Filename
	if kind == "" {
		kind = charmresource.TypeFile.String()
	}
	if filename == "" {
		filename = name
	}
	return params.Resource{
		ID: c.app + "/" + name, ApplicationID: c.app,
		CharmResource: params.CharmResource{
			Name: name, Type: kind, Path: filename, Origin: charmresource.OriginUpload.String(),
			Fingerprint: fingerprint.Bytes(), Size: int64(len(resource.Content)),
		},
	}, nil
}

// resourceServer serves /units/<unit>/resources/<name> without a network.
type resourceServer struct{ c *Controller }

// Do implements httprequest.Doer.
func (s resourceServer) Do(req *http.Request) (*http.Response, error) {
	s.c.mu.Lock()
	defer s.c.mu.Unlock()
	name := path.Base(req.URL.Path)
	resource, ok := s.c.world.Resources[name]
	status, body := http.StatusOK, resource.Content
	if !ok {
		status, body = http.StatusNotFound, "resource#"+s.c.app+"/"+name+" not found"
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Request: req,
		Header:        http.Header{},
		Body:          io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)),
	}, nil
}

// resourceError reads the text of a failed download.
func resourceError(response *http.Response) error {
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	return &params.Error{Message: string(text), Code: params.CodeNotFound}
}
