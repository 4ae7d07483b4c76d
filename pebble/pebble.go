// Package pebble talks to Pebble, the service manager of workload containers,
// through its HTTP API on a unix socket.
//
// A [Client] has one method for each thing that Pebble does; [Layer] and
// [Plan] are values with the rules by which Pebble combines them; every
// failure that a running charm may meet is an [*Error] with a [Kind], named as
// the Python ops library names its exceptions.
//
//	client := pebble.New(pebble.Config{SocketPath: "/charm/containers/web/pebble.socket"})
//	defer client.Close()
//	if err := client.AddLayer(ctx, "web", layer, pebble.AddLayerOptions{Combine: true}); err != nil {
//		return err
//	}
//	_, err := client.Replan(ctx, pebble.WaitOptions{})
//
// What comes from the daemon is not trusted: an answer is bounded in size and
// time, and one that is not what the API promises is an error of kind
// [ProtocolError]. Files are streamed in constant memory.
//
// Package pebbletest holds a simulated Pebble behind the same HTTP API. The
// conformance test of this package runs the same requests against it and
// against a genuine daemon.
package pebble
