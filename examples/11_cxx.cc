/* SPDX-License-Identifier: MIT */
/* 11_cxx ADDRESS: a server in C++: a scope that ends with its block, tasks that are lambdas, exceptions. */
#include <weir.h>

#include <cerrno>
#include <exception>
#include <stdexcept>
#include <string>

/* [scope] */
/* A scope that is closed at the end of its block: its tasks may use whatever was declared before it. If the
 * block is left early, by return or by an exception, the tasks are cancelled first. */
class Scope
{
  public:
    explicit Scope(weir_instant deadline, unsigned flags = 0)
    {
        weir_scope_open(&scope_, deadline, flags);
    }

    ~Scope()
    {
        if (open_) {
            weir_scope_cancel(&scope_);
            weir_scope_close(&scope_);
        }
    }

    Scope(const Scope &) = delete;
    Scope &operator=(const Scope &) = delete;

    /* Starts a function object as a task. The object is lent until the scope is closed. */
    template <typename Fn> int spawn(const char *name, Fn &fn)
    {
        return weir_spawn(
            &scope_, name, [](void *arg) noexcept -> int { return (*static_cast<Fn *>(arg))(); }, &fn);
    }

    /* Waits for all tasks. Returns: as weir_scope_close(). */
    int close()
    {
        open_ = false;
        return weir_scope_close(&scope_);
    }

  private:
    weir_scope scope_;
    bool open_ = true;
};
/* [/scope] */

/* [handler] */
/* Makes a handler of a function that may throw: an exception must not leave a handler or a task. */
template <int (*answer)(weir_request *, weir_response *)>
int catching(weir_request *req, weir_response *res, void *) noexcept
{
    try {
        return answer(req, res);
    } catch (const std::invalid_argument &) {
        return weir_respond_text(res, 400, "not a number\n");
    } catch (const std::exception &e) {
        weir_log(WEIR_LOG_ERROR, "handler", WEIR_KV("exception", e.what()));
        return -EIO; /* 500, if no answer has begun */
    }
}

/* Answers with the sums of the squares and of the cubes from 1 to n, each computed by a task. */
static int sums(weir_request *req, weir_response *res)
{
    const int n = std::stoi(weir_request_param(req, "n"));
    unsigned long long squares = 0, cubes = 0;
    auto sum_squares = [&] {
        for (unsigned long long i = 1; i <= static_cast<unsigned long long>(n); i++)
            squares += i * i;
        return weir_sleep(weir_ms(1)); /* stands for a call to a backend */
    };
    auto sum_cubes = [&] {
        for (unsigned long long i = 1; i <= static_cast<unsigned long long>(n); i++)
            cubes += i * i * i;
        return weir_sleep(weir_ms(1));
    };
    Scope both(weir_after_ms(500));

    if (n < 0 || n > 1000)
        throw std::out_of_range("n is " + std::to_string(n)); /* the scope is closed on the way */
    both.spawn("squares", sum_squares);
    both.spawn("cubes", sum_cubes);
    if (const int err = both.close(); err < 0)
        return err;
    return weir_respond_text(res, 200,
                             (std::to_string(squares) + " " + std::to_string(cubes) + "\n").c_str());
}
/* [/handler] */

int main(int argc, char **argv)
{
    weir_server_options options = {};
    weir_route route = {};

    if (argc != 2)
        return 2;
    options.listen = argv[1]; /* in C++20 also: {.listen = argv[1]} */
    route.path = "/sums/{n}";
    route.methods = "GET";
    route.handler = catching<sums>;
    return weir_serve(&options, &route, 1) < 0;
}
