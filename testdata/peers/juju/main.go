// Command juju is a unit agent for tests, made of Juju 3.5.1's own code: its hook context, its runner and its jujuc server,
// over an in-memory controller. It is driven by JSON lines: one request on standard input, one answer on standard output.
// See README.md.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	program := flag.String("jujuc", "", "path of Juju's jujuc program")
	dir := flag.String("dir", "", "empty directory for the agent's files; its path goes into a socket's name, so keep it short")
	flag.Parse()
	if err := serve(*program, *dir, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "juju:", err)
		os.Exit(1)
	}
}

// serve answers requests until the input ends.
func serve(program, dir string, in io.Reader, out io.Writer) error {
	agent, err := newAgent(dir, program)
	if err != nil {
		return err
	}
	requests := bufio.NewReader(in)
	answers := json.NewEncoder(out)
	for {
		line, err := requests.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := answers.Encode(agent.answer(line)); err != nil {
			return err
		}
	}
}

// decodeStrictly refuses fields that are not known, so that a test cannot describe what the agent would ignore.
func decodeStrictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
