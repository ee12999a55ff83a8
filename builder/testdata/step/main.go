// Command step is what the tests RUN while an image is built, where there is no shell.
package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"time"
)

func main() {
	switch verb, argument := os.Args[1], os.Args[2]; verb {
	case "exit":
		fmt.Println("one line of output")
		fmt.Fprintln(os.Stderr, "another on stderr")
		code, _ := strconv.Atoi(argument)
		os.Exit(code)
	case "sleep":
		fmt.Println("asleep")
		time.Sleep(5 * time.Minute)
	case "expect": // the file named next holds the argument
		if data, err := os.ReadFile(os.Args[3]); err != nil || !bytes.Equal(data, []byte(argument)) {
			fmt.Println("it does not:", err)
			os.Exit(1)
		}
	case "print": // what the file holds, without an end of line
		data, err := os.ReadFile(argument)
		fmt.Print("it is ", string(data), err)
		if len(os.Args) > 3 {
			os.Exit(1)
		}
	case "lookup": // a variable
		fmt.Printf("%s is %q\n", argument, os.Getenv(argument))
	case "agent": // the kind of what the SSH agent of the variable answers when asked for its keys
		conn, err := net.Dial("unix", os.Getenv(argument))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		_, _ = conn.Write([]byte{0, 0, 0, 1, 11})
		answer := make([]byte, 9)
		_, err = io.ReadFull(conn, answer)
		fmt.Println("the agent answers", answer[4], "with", answer[8], "keys", err)
	case "fill": // the directory, which is small
		if err := os.WriteFile(argument+"/full", make([]byte, 1<<30), 0o600); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	case "escape":
		fmt.Print("\x1b[31mred\x1b[0m 10%\r20%\r\n\x1b]0;title\x07\x07done\n")
	}
}
