/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/list.h"

struct item {
    int n;
    struct weir__list node;
};

static struct item *item_of(struct weir__list *node)
{
    return weir__container_of(node, struct item, node);
}

static void fill(struct weir__list *head, struct item *items, int n)
{
    weir__list_init(head);
    for (int i = 0; i < n; i++) {
        items[i].n = i;
        weir__list_push_back(head, &items[i].node);
    }
}

/* The members' numbers read as the digits of one number, forwards; checks the way backwards as well. */
static int digits(struct weir__list *head)
{
    int forwards = 0, backwards = 0, power = 1;

    weir__list_each (pos, head) {
        forwards = forwards * 10 + item_of(pos)->n;
    }
    for (struct weir__list *pos = head->prev; pos != head; pos = pos->prev, power *= 10)
        backwards += item_of(pos)->n * power;
    assert_int_equal(forwards, backwards);
    return forwards;
}

static void keeps_the_order_of_both_ends(void **state)
{
    struct weir__list head;
    struct item items[5];

    (void)state;
    fill(&head, items, 3);
    assert_int_equal(digits(&head), 12); /* 0 1 2 */
    items[3].n = 3;
    items[4].n = 4;
    weir__list_push_front(&head, &items[3].node);
    weir__list_push_back(&head, &items[4].node);
    assert_int_equal(digits(&head), 30124);
    weir__list_remove(&items[1].node);
    items[1].n = 7;
    weir__list_insert_before(&items[4].node, &items[1].node);
    assert_int_equal(digits(&head), 30274);
}

static void removing_twice_is_harmless(void **state)
{
    struct weir__list head;
    struct item items[3];

    (void)state;
    fill(&head, items, 3);
    weir__list_remove(&items[1].node);
    assert_true(weir__list_is_empty(&items[1].node));
    weir__list_remove(&items[1].node);
    assert_int_equal(digits(&head), 2);
    weir__list_remove(&items[0].node);
    assert_false(weir__list_is_empty(&head));
    weir__list_remove(&items[2].node);
    assert_true(weir__list_is_empty(&head));
}

static void pops_from_the_front_until_empty(void **state)
{
    struct weir__list head;
    struct item items[3];

    (void)state;
    fill(&head, items, 3);
    for (int i = 0; i < 3; i++) {
        struct weir__list *node = weir__list_pop_front(&head);
        assert_ptr_equal(node, &items[i].node);
        assert_true(weir__list_is_empty(node));
    }
    assert_null(weir__list_pop_front(&head));
    assert_true(weir__list_is_empty(&head));
}

static void moves_all_behind_the_others(void **state)
{
    struct weir__list a, b, empty;
    struct item in_a[3], in_b[2];

    (void)state;
    fill(&a, in_a, 3);
    fill(&b, in_b, 2);
    in_b[0].n = 8;
    in_b[1].n = 9;
    weir__list_init(&empty);
    weir__list_move_all(&a, &b);
    assert_int_equal(digits(&a), 1289);
    assert_true(weir__list_is_empty(&b));
    weir__list_move_all(&a, &empty);
    assert_int_equal(digits(&a), 1289);
    weir__list_move_all(&empty, &a);
    assert_int_equal(digits(&empty), 1289);
    assert_true(weir__list_is_empty(&a));
}

static void the_present_one_may_be_removed_while_walking(void **state)
{
    struct weir__list head;
    struct item items[6];

    (void)state;
    fill(&head, items, 6);
    weir__list_each_safe (pos, &head) {
        if (item_of(pos)->n % 2 == 0)
            weir__list_remove(pos);
    }
    assert_int_equal(digits(&head), 135);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_the_order_of_both_ends),
        cmocka_unit_test(removing_twice_is_harmless),
        cmocka_unit_test(pops_from_the_front_until_empty),
        cmocka_unit_test(moves_all_behind_the_others),
        cmocka_unit_test(the_present_one_may_be_removed_while_walking),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
