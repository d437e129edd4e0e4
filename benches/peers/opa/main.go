// OPA, asked by `verdikt-peers` line by line: `allows INDEX`, or `time REQUESTS` for nanoseconds of CPU time.
//
// Usage: opa FOLDER exact|fast, with policy.rego, data.json and inputs.jsonl in the folder. Exact makes
// the input's values from strings each time, fast made them beforehand.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
)

var ctx = context.Background()

func main() {
	runtime.LockOSThread()
	folder, fast := os.Args[1], os.Args[2] == "fast"
	program, err := os.ReadFile(filepath.Join(folder, "policy.rego"))
	fail(err)
	text, err := os.ReadFile(filepath.Join(folder, "data.json"))
	fail(err)
	var data map[string]any
	fail(json.Unmarshal(text, &data))
	query, err := rego.New(
		rego.Query("data.rbac.allow"),
		rego.Module("policy.rego", string(program)),
		rego.Store(inmem.NewFromObjectWithOpts(data, inmem.OptReturnASTValuesOnRead(true))),
	).PrepareForEval(ctx)
	fail(err)

	var inputs []rego.EvalOption
	file, err := os.Open(filepath.Join(folder, "inputs.jsonl"))
	fail(err)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var input any
		fail(json.Unmarshal(lines.Bytes(), &input))
		if fast {
			value, err := ast.InterfaceToValue(input)
			fail(err)
			inputs = append(inputs, rego.EvalParsedInput(value))
		} else {
			inputs = append(inputs, rego.EvalInput(input))
		}
	}
	fail(lines.Err())

	allows := func(index int) bool {
		results, err := query.Eval(ctx, inputs[index])
		fail(err)
		return results.Allowed()
	}
	fmt.Println("ready")
	questions := bufio.NewScanner(os.Stdin)
	for questions.Scan() {
		var index, requests int
		if _, err := fmt.Sscanf(questions.Text(), "allows %d", &index); err == nil {
			fmt.Println(allows(index))
			continue
		}
		_, err := fmt.Sscanf(questions.Text(), "time %d", &requests)
		fail(err)
		start := cpuTime()
		for index := range requests {
			allows(index)
		}
		fmt.Println(cpuTime() - start)
	}
}

// cpuTime is what this thread has used, in nanoseconds: those that collect garbage are not counted.
func cpuTime() int64 {
	var usage syscall.Rusage
	fail(syscall.Getrusage(syscall.RUSAGE_THREAD, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
